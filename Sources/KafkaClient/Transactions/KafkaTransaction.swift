import Synchronization

/// A transaction that is open: what is sent through it is seen by readers of committed records all at once, or never.
///
/// ``TransactionalProducer/transaction(_:)`` gives it to its body; after that it sends nothing any more.
public final class KafkaTransaction: Sendable {
    private let producer: Producer
    private let timeout: Duration
    private let failure = Mutex<KafkaError?>(nil)

    init(producer: Producer, timeout: Duration) {
        self.producer = producer
        self.timeout = timeout
    }

    /// Sends all `messages` as part of the transaction and waits until the fate of each is known.
    ///
    /// A message that was not acknowledged makes the whole transaction fail at its commit, whatever the body returns.
    ///
    /// - Returns: one report per message, in the order of the messages.
    /// - Throws: as ``Producer/send(_:)-([ProducerMessage])``.
    public func send(_ messages: [ProducerMessage]) async throws -> DeliveryReports {
        let reports = try await producer.send(messages)
        if let error = reports.firstFailure { failure.withLock { $0 = $0 ?? error } }
        return reports
    }

    /// Sends one message as part of the transaction and waits until it is acknowledged.
    ///
    /// - Throws: ``KafkaError`` if it was not acknowledged; `CancellationError`.
    @discardableResult
    public func send(_ message: ProducerMessage) async throws -> RecordMetadata {
        try await send([message])[0].get()
    }

    /// Commits offsets of a consumer group as part of the transaction: they count when it is committed.
    ///
    /// The broker does not ask whether the caller is a member of the group (`generation` -1): two that read the same
    /// partitions are kept apart by their transactional ids alone.
    ///
    /// - Parameter offsets: of each partition the next record to be read.
    /// - Throws: ``KafkaError``; with `requiresAbort` the transaction cannot be committed any more.
    public func sendOffsets(_ offsets: [TopicPartition: Int64], ofGroup group: String) async throws {
        guard !offsets.isEmpty else { return }
        let timeout = timeout
        try await producer.onThread { try $0.sendOffsets(offsets, ofGroup: group, timeout: timeout) }
    }

    /// Waits for the fate of what was sent; a message without an acknowledgement makes the transaction impossible.
    /// librdkafka takes no notice of one that it refused itself.
    func finish() async throws {
        try await producer.flush()
        try Task.checkCancellation()
        guard let failure = failure.withLock({ $0 }) else { return }
        throw KafkaError(
            failure.code, failure.message, isRetriable: failure.isRetriable, isFatal: failure.isFatal,
            requiresAbort: !failure.isFatal)
    }
}
