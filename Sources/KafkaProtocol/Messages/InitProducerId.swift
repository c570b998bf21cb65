/// Asks for a producer id and epoch, for an idempotent (null transactional id) or transactional producer; from version 3 also
/// to raise the epoch of one (KIP-360).
public struct InitProducerIdRequest: KafkaRequest {
    public typealias Response = InitProducerIdResponse
    public static let apiKey = APIKey.initProducerID
    public static let versions: ClosedRange<Int16> = 0...5

    public var transactionalID: String? = ""
    public var transactionTimeoutMs: Int32 = 0
    /// -1 for a new one.
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = -1

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.nullableString(&transactionalID)
        try coder.int32(&transactionTimeoutMs)
        try coder.int64(&producerID, from: 3)
        try coder.int16(&producerEpoch, from: 3)
        try coder.tags()
    }
}

/// The producer id and epoch to number batches with.
public struct InitProducerIdResponse: KafkaResponse {
    public typealias Request = InitProducerIdRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var producerID: Int64 = -1
    public var producerEpoch: Int16 = 0

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode)
        try coder.int64(&producerID)
        try coder.int16(&producerEpoch)
        try coder.tags()
    }
}
