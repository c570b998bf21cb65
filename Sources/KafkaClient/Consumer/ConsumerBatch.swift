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
    /// Where reading goes on, and what to commit once all are handled: the offset after its last record or, when it
    /// reaches the end, after what follows that and is no record (a transaction's marker, for instance).
    public var nextOffset: Int64 { storage.nextOffset }
    /// Nothing more was there to be read in its partition when it was fetched. Only told where
    /// ``ConsumerConfiguration/reportsEnds`` is set; a batch without records tells nothing else.
    public var reachesEnd: Bool { storage.reachesEnd }

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
    let reachesEnd: Bool
    let headers = Mutex(())
    private let outstanding: OutstandingBatches

    /// Takes over `messages`; there are none only where the `end` is told, which is where the partition then ended.
    init(
        _ messages: UnsafeMutableBufferPointer<Message>, of partition: TopicPartition, end: Int64?,
        in outstanding: OutstandingBatches
    ) {
        self.partition = partition
        self.messages = messages
        self.nextOffset = end ?? messages.last.map { $0.pointee.offset + 1 } ?? 0
        self.reachesEnd = end != nil
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
