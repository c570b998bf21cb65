import CRDKafka
import Logging

/// Partitions that come or go, as librdkafka told.
struct Rebalance {
    let isAssignment: Bool
    let partitions: [TopicPartition]
    let isLost: Bool
}

extension ConsumerOwner {
    private var isCooperative: Bool {
        rd_kafka_rebalance_protocol(handle.pointer).map { String(cString: $0) } == "COOPERATIVE"
    }

    /// Begins the next rebalance, if none is under way and the reader has nothing in hand that it takes away.
    func continueRebalance() {
        while rebalancing == nil, let next = rebalances.first {
            if next.isAssignment {
                begin(next, hook: .assigned(next.partitions))
            } else {
                stop(Set(next.partitions))
                if !isAbandoned, mailbox.isInHand(anyOf: Set(next.partitions)) { return }
                begin(next, hook: .revoked(next.partitions, isLost: next.isLost))
            }
        }
    }

    /// Hands no more records of these partitions out.
    private func stop(_ leaving: Set<TopicPartition>) {
        for partition in partitions where leaving.contains(partition.partition) {
            partition.isStopped = true
            _ = mailbox.takeBack(partition.partition)
        }
    }

    private func begin(_ rebalance: Rebalance, hook: HookCall.Hook) {
        rebalances.removeFirst()
        guard !isAbandoned, !rebalance.partitions.isEmpty else { return finish(rebalance, .success([:])) }
        rebalancing = rebalance
        let isAsked = shared.ask(hook) { [shared] result in
            shared.post { owner in
                guard owner.rebalancing != nil else { return }
                owner.rebalancing = nil
                owner.finish(rebalance, result)
            }
        }
        guard !isAsked else { return }
        rebalancing = nil
        finish(rebalance, .success([:]))
    }

    /// Nobody will answer: what is under way goes on without the hook.
    func abandonRebalance() {
        guard let rebalance = rebalancing.take() else { return }
        finish(rebalance, .success([:]))
    }

    private func finish(_ rebalance: Rebalance, _ result: Result<[TopicPartition: StartOffset], any Error>) {
        if rebalance.isAssignment {
            switch result {
            case .success(let starts): assign(rebalance.partitions, starts)
            case .failure(let error):
                // librdkafka waits for the call all the same; nothing of it is handed out.
                if isCooperative {
                    assign(rebalance.partitions, [:])
                } else {
                    rd_kafka_assign(handle.pointer, nil)
                }
                fail(error)
            }
        } else {
            unassign(rebalance.partitions)
        }
        shared.setAssignment(partitions.filter { !$0.isStopped }.map(\.partition))
    }

    private func assign(_ names: [TopicPartition], _ starts: [TopicPartition: StartOffset]) {
        if phase != .closed { open(names) }
        if phase != .running { stop(Set(names)) }
        let list = PartitionList(capacity: names.count)
        for name in names {
            mailbox.setPosition(nil, of: name)
            list.add(name, offset: (starts[name] ?? .committed).rawValue)
        }
        if isCooperative {
            if let error = list.with({ rd_kafka_incremental_assign(handle.pointer, $0) }) {
                fail(KafkaError(consuming: error, "taking over \(names)"))
            }
        } else {
            let error = list.with { rd_kafka_assign(handle.pointer, $0) }
            if error != RD_KAFKA_RESP_ERR_NO_ERROR { fail(KafkaError(error, "taking over \(names)")) }
        }
        logger.debug("partitions assigned", metadata: ["partitions": "\(names)", "starts": "\(starts)"])
    }

    func unassign(_ names: [TopicPartition]) {
        let list = PartitionList(names)
        if isCooperative {
            if let error = list.with({ rd_kafka_incremental_unassign(handle.pointer, $0) }) {
                logger.warning("giving up partitions", metadata: ["error": "\(KafkaError(consuming: error, ""))"])
            }
        } else {
            rd_kafka_assign(handle.pointer, nil)
        }
        let leaving = Set(names)
        for partition in partitions where leaving.contains(partition.partition) { partition.close() }
        partitions.removeAll { leaving.contains($0.partition) }
        for name in names { mailbox.setPosition(nil, of: name) }
        logger.debug("partitions given up", metadata: ["partitions": "\(names)"])
    }
}
