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
        while !isRebalancing, let next = rebalances.first {
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
        isRebalancing = true
        let isAsked = shared.ask(hook) { [shared] result in
            shared.post { owner in
                guard owner.isRebalancing else { return }
                owner.isRebalancing = false
                owner.finish(rebalance, result)
            }
        }
        guard !isAsked else { return }
        isRebalancing = false
        finish(rebalance, .success([:]))
    }

    /// Nobody will answer: what is under way goes on without the hook.
    func abandonRebalance() {
        guard isRebalancing else { return }
        isRebalancing = false
        // librdkafka waits for this call whatever the rebalance was; the consumer is about to close.
        rd_kafka_assign(handle.pointer, nil)
    }

    private func finish(_ rebalance: Rebalance, _ result: Result<[TopicPartition: StartOffset], any Error>) {
        if rebalance.isAssignment {
            switch result {
            case .success(let starts): assign(rebalance.partitions, starts)
            case .failure(let error):
                rd_kafka_assign(handle.pointer, nil)
                fail(error)
            }
        } else {
            unassign(rebalance.partitions)
        }
        shared.setAssignment(partitions.filter { !$0.isStopped }.map(\.partition))
    }

    private func assign(_ names: [TopicPartition], _ starts: [TopicPartition: StartOffset]) {
        if phase == .running { open(names) }
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

    private func unassign(_ names: [TopicPartition]) {
        let list = PartitionList(names)
        if isCooperative {
            if let error = list.with({ rd_kafka_incremental_unassign(handle.pointer, $0) }) {
                logger.warning("giving up partitions", metadata: ["error": "\(KafkaError(consuming: error, ""))"])
            }
        } else {
            rd_kafka_assign(handle.pointer, nil)
        }
        let leaving = Set(names)
        for partition in partitions where leaving.contains(partition.partition) { partition.close(in: outstanding) }
        partitions.removeAll { leaving.contains($0.partition) }
        for name in names { mailbox.setPosition(nil, of: name) }
        logger.debug("partitions given up", metadata: ["partitions": "\(names)"])
    }
}
