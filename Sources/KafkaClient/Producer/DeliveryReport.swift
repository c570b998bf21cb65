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
