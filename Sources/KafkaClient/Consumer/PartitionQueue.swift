import CRDKafka
import DequeModule

/// The queue that librdkafka fetches one assigned partition into, read when the reader wants more.
///
/// Each partition has its own, so that a batch is of one partition, and so that pausing needs no call to librdkafka: a
/// paused partition is one whose queue is not read, and whose fetching stops by itself when the queue is full. In
/// librdkafka 2.0.2 one batch call over a queue that several partitions share drops messages when a seek, a pause or
/// a rebalance comes between. Used by the handle's thread alone.
final class PartitionQueue {
    /// What one reading gave.
    enum Reading {
        case batch(ConsumerBatch)
        case failure(KafkaError)
        case nothing
    }

    let partition: TopicPartition
    /// Not read until it is resumed.
    var isPaused = false
    /// Not read any more: it is about to be given up.
    var isStopped = false
    /// What was read but not handed out when it was paused.
    private var held: Deque<ConsumerBatch> = []
    /// The error that came in one reading with records, and is told after them.
    private var failure: KafkaError?
    private let queue: OpaquePointer

    /// Opens the queue before the partition is assigned, so that no message takes the consumer's common way.
    init?(_ partition: TopicPartition, handle: KafkaHandle, wakeUp: WakeUp) {
        guard let queue = rd_kafka_queue_get_partition(handle.pointer, partition.topic, partition.partition) else {
            return nil
        }
        self.partition = partition
        self.queue = queue
        rd_kafka_queue_forward(queue, nil)
        wakeUp.listen(to: queue)
    }

    var isReadable: Bool { !isPaused && !isStopped }

    /// Reads at most `limit` messages that are there already.
    func read(_ limit: Int, in outstanding: OutstandingBatches) -> Reading {
        if let batch = held.popFirst() { return .batch(batch) }
        if let failure = failure.take() { return .failure(failure) }
        return withUnsafeTemporaryAllocation(of: BatchStorage.Message?.self, capacity: limit) { buffer in
            let count = rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress, limit)
            guard count > 0 else { return .nothing }
            let messages = UnsafeMutableBufferPointer<BatchStorage.Message>.allocate(capacity: count)
            var kept = 0
            var end: Int64?
            for case let message? in buffer[..<count] {
                if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                    messages.initializeElement(at: kept, to: message)
                    kept += 1
                    end = nil
                    continue
                }
                if message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
                    end = message.pointee.offset
                } else {
                    failure = failure ?? error(of: message)
                }
                rd_kafka_message_destroy(message)
            }
            guard kept > 0 || end != nil else {
                messages.deallocate()
                return failure.take().map(Reading.failure) ?? .nothing
            }
            let filled = UnsafeMutableBufferPointer(rebasing: messages[..<kept])
            return .batch(ConsumerBatch(storage: BatchStorage(filled, of: partition, end: end, in: outstanding)))
        }
    }

    /// Takes back batches that were read but not handed out; they are read again before anything else.
    func hold(_ batches: [ConsumerBatch]) {
        held.prepend(contentsOf: batches)
    }

    /// Drops what was read and not handed out: reading goes on elsewhere.
    func forget() {
        held = []
        failure = nil
    }

    /// Drops what is in it, and the queue. What stays in an abandoned queue would keep librdkafka from ending.
    func close() {
        forget()
        withUnsafeTemporaryAllocation(of: BatchStorage.Message?.self, capacity: 1000) { buffer in
            while true {
                let count = rd_kafka_consume_batch_queue(queue, 0, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                for case let message? in buffer[..<count] { rd_kafka_message_destroy(message) }
            }
        }
        rd_kafka_queue_destroy(queue)
    }

    private func error(of message: BatchStorage.Message) -> KafkaError {
        let reason = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
        return KafkaError(message.pointee.err, "\(partition): \(reason)")
    }
}
