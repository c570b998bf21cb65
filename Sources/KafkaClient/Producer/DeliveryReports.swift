import CRDKafka

/// Where a record is now.
public struct RecordMetadata: Hashable, Sendable {
    /// The topic it was sent to.
    public let topic: String
    /// The partition it is in.
    public let partition: Int32
    /// Its offset there; -1 if nobody was asked to acknowledge it.
    public let offset: Int64
}

/// What became of one message of a `send`: either where its record is, or why there is none.
public typealias DeliveryReport = Result<RecordMetadata, KafkaError>

/// What became of the messages of one `send`, in their order.
///
/// A report is made when it is looked at: whoever only wants to know that all went well asks ``firstFailure``.
///
/// ```swift
/// let reports = try await producer.send(messages)
/// if let error = reports.firstFailure { throw error }
/// ```
public struct DeliveryReports: RandomAccessCollection, Sendable {
    private let pending: PendingSend
    private let messages: [ProducerMessage]
    /// What made the producer unusable, which librdkafka says of each message only by one code.
    private let fatal: KafkaError?

    /// The fate of each of `messages` is known.
    init(_ pending: PendingSend, _ messages: [ProducerMessage], fatal: KafkaError?) {
        self.pending = pending
        self.messages = messages
        self.fatal = fatal
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { messages.count }

    public subscript(position: Int) -> DeliveryReport {
        let topic = messages[position].topic
        let slot = pending.slots[position]
        guard slot.error != RD_KAFKA_RESP_ERR_NO_ERROR else {
            return .success(RecordMetadata(topic: topic, partition: slot.partition, offset: slot.offset))
        }
        if slot.error == RD_KAFKA_RESP_ERR__FATAL, let fatal { return .failure(fatal) }
        return .failure(KafkaError(slot.error, "a message for topic '\(topic)' was not acknowledged"))
    }

    /// The error of the first message that has one; nil if all were acknowledged.
    public var firstFailure: KafkaError? {
        guard pending.hasFailures else { return nil }
        for case .failure(let error) in self { return error }
        return nil
    }
}
