/// Commits or aborts a transaction.
public struct EndTxnRequest: KafkaRequest {
    public typealias Response = EndTxnResponse
    public static let apiKey = APIKey.endTxn
    public static let versions: ClosedRange<Int16> = 0...5

    public var transactionalID: String = ""
    public var producerID: Int64 = 0
    public var producerEpoch: Int16 = 0
    /// Whether to commit; otherwise the transaction is aborted.
    public var committed: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&transactionalID)
        try coder.int64(&producerID)
        try coder.int16(&producerEpoch)
        try coder.bool(&committed)
        try coder.tags()
    }
}

/// Whether the transaction is ending; from version 5 with the producer's next epoch (KIP-890).
public struct EndTxnResponse: KafkaResponse {
    public typealias Request = EndTxnRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = -1

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode)
        try coder.int64(&producerID, from: 5)
        try coder.int16(&producerEpoch, from: 5)
        try coder.tags()
    }
}
