import CRDKafka
import DequeModule

extension ConsumerOwner {
    typealias Continuation<R> = CheckedContinuation<R, any Error>

    private func find(_ name: TopicPartition) throws -> PartitionQueue {
        guard phase != .closed else { throw KafkaError.closed("consumer") }
        guard let partition = partitions.first(where: { $0.partition == name && !$0.isStopped }) else {
            throw KafkaError(.wrongState, "\(name) is not assigned to this consumer")
        }
        return partition
    }

    /// Hands out nothing more of these partitions; what was read already is kept for later.
    func pause(_ names: some Sequence<TopicPartition>) throws {
        for name in names {
            let partition = try find(name)
            partition.isPaused = true
            partition.hold(mailbox.takeBack(name))
        }
    }

    /// Where partitions begin and end, as librdkafka has it from its last fetches.
    func knownWatermarks(_ names: [TopicPartition]) -> [TopicPartition: Range<Int64>] {
        guard phase != .closed else { return [:] }
        var known: [TopicPartition: Range<Int64>] = [:]
        for name in names {
            var (low, high): (Int64, Int64) = (-1, -1)
            let error = rd_kafka_get_watermark_offsets(handle.pointer, name.topic, name.partition, &low, &high)
            if error == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 { known[name] = min(max(0, low), high)..<high }
        }
        return known
    }

    func resume(_ names: some Sequence<TopicPartition>) throws {
        for name in names { try find(name).isPaused = false }
    }

    /// Ten seconds. librdkafka before 2.1 waits a thousandth of what it is told.
    private static let seekTimeout: Int32 = rd_kafka_version() < 0x0201_0000 ? 10_000_000 : 10_000

    /// Goes on elsewhere: what was read already is dropped, librdkafka drops what it has fetched, and only then is
    /// the queue read again. Blocks this thread until librdkafka has done so.
    func seek(_ offsets: [TopicPartition: StartOffset]) throws {
        let targets = try offsets.keys.map(find)
        for target in targets {
            _ = mailbox.takeBack(target.partition)
            target.forget()
        }
        try PartitionList(offsets.mapValues(\.rawValue)).with { list in
            if let error = rd_kafka_seek_partitions(handle.pointer, list, Self.seekTimeout) {
                throw KafkaError(consuming: error, "seeking \(offsets)")
            }
            if let error = list.firstError("seeking") { throw error }
        }
        for name in offsets.keys { mailbox.setPosition(nil, of: name) }
    }

    /// Commits these offsets: each is the next to be read.
    func commit(_ offsets: [TopicPartition: Int64], _ continuation: Continuation<Void>) {
        guard phase != .closed else { return continuation.resume(throwing: KafkaError.closed("consumer")) }
        let opaque = calls.add { result in
            continuation.resume(
                with: Result {
                    let event = try result.get()
                    if let list = rd_kafka_event_topic_partition_list(event),
                        let error = list.firstError("committing")
                    {
                        throw error
                    }
                    let error = rd_kafka_event_error(event)
                    guard error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET else {
                        throw KafkaError(error, "committing \(offsets)")
                    }
                })
        }
        let error = PartitionList(offsets).with {
            rd_kafka_commit_queue(handle.pointer, $0, queue, nil, opaque)
        }
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { calls.fail(opaque, KafkaError(error, "committing \(offsets)")) }
    }

    /// Asks for the offsets that `group`, this consumer's, has committed.
    func committed(
        _ partitions: [TopicPartition], of group: String, _ continuation: Continuation<[TopicPartition: Int64]>
    ) {
        guard phase != .closed else { return continuation.resume(throwing: KafkaError.closed("consumer")) }
        GroupOffsets.request(
            group, partitions, handle: handle, queue: queue, calls: calls, timeout: .seconds(30)
        ) { continuation.resume(with: $0) }
    }
}
