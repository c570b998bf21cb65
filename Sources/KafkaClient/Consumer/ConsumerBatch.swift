import CRDKafka
import Synchronization

/// Records of one partition, in order, as librdkafka received them: nothing is copied until a record's bytes are asked
/// for. The memory is freed with the last copy of the batch and of its records.
///
/// ```swift
/// for try await batch in consumer.batches {
///     for record in batch { try handle(record.value) }
///     try await consumer.commit(batch)
/// }
/// ```
public struct ConsumerBatch: Sendable, RandomAccessCollection {
    @usableFromInline let storage: BatchStorage

    init(storage: BatchStorage) {
        self.storage = storage
    }

    /// The partition that all its records are from.
    public var partition: TopicPartition { storage.partition }
    /// The offset after its last record: where reading goes on, and what to commit once all are handled.
    public var nextOffset: Int64 { storage.nextOffset }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { storage.messages.count }
    @inlinable public subscript(position: Int) -> ConsumerRecord {
        ConsumerRecord(storage: storage, message: storage.messages[position])
    }
}

/// The messages of a batch, which it destroys at its end.
///
/// `@unchecked Sendable`: the messages do not change, except that librdkafka parses headers when they are first asked
/// for, which is done under a lock.
@usableFromInline
final class BatchStorage: @unchecked Sendable {
    @usableFromInline typealias Message = UnsafeMutablePointer<rd_kafka_message_t>

    let partition: TopicPartition
    @usableFromInline let messages: UnsafeMutableBufferPointer<Message>
    let nextOffset: Int64
    let headers = Mutex(())
    private let outstanding: OutstandingBatches

    /// Takes over `messages`, of which there is at least one.
    init(
        _ messages: UnsafeMutableBufferPointer<Message>, of partition: TopicPartition,
        in outstanding: OutstandingBatches
    ) {
        self.partition = partition
        self.messages = messages
        self.nextOffset = messages[messages.count - 1].pointee.offset + 1
        self.outstanding = outstanding
        outstanding.enter()
    }

    deinit {
        for message in messages { rd_kafka_message_destroy(message) }
        messages.deallocate()
        outstanding.leave()
    }
}

/// How many batches are not freed yet: the handle they came from must outlive them.
final class OutstandingBatches: Sendable {
    private let count = Atomic(0)
    private let changed: @Sendable () -> Void

    /// `changed` is called whenever there are none left.
    init(changed: @escaping @Sendable () -> Void) {
        self.changed = changed
    }

    var isEmpty: Bool { count.load(ordering: .acquiring) == 0 }

    func enter() {
        count.add(1, ordering: .relaxed)
    }

    func leave() {
        if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { changed() }
    }
}
