import CRDKafka

/// What the producer's thread does: it serves delivery reports and, when the room is closed and vacant, ends the handle.
/// What is under way then is given up and reported as purged.
final class ProducerOwner: ThreadOwner {
    private let handle: KafkaHandle
    private let room: ProducerRoom
    private let topics: TopicHandles

    init(handle: KafkaHandle, room: ProducerRoom, topics: TopicHandles) {
        self.handle = handle
        self.room = room
        self.topics = topics
    }

    let patience: Int32 = -1

    func serve() -> Bool {
        if rd_kafka_poll(handle.pointer, 0) > 0 { room.delivered() }
        return !room.isVacant
    }

    func end() {
        _ = rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // Every report comes now, without the network; the thread has nothing else to do than to wait for them.
        while rd_kafka_outq_len(handle.pointer) > 0 { _ = rd_kafka_poll(handle.pointer, 100) }
        topics.destroy()
        handle.destroy()
    }

    /// librdkafka's call for each message whose fate is known, made within `rd_kafka_poll`.
    static let delivered:
        @convention(c) (
            OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?
        ) -> Void = { _, message, _ in
            guard let message, let opaque = message.pointee._private else { return }
            PendingSend.settle(
                opaque, partition: message.pointee.partition, offset: message.pointee.offset, error: message.pointee.err
            )
        }
}
