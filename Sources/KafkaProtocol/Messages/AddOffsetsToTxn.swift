/// Adds a consumer group's offsets to a transaction.
public struct AddOffsetsToTxnRequest: KafkaRequest {
    public typealias Response = AddOffsetsToTxnResponse
    public static let apiKey = APIKey.addOffsetsToTxn
    public static let versions: ClosedRange<Int16> = 0...4

    public var transactionalID: String = ""
    public var producerID: Int64 = 0
    public var producerEpoch: Int16 = 0
    public var groupID: String = ""

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&transactionalID)
        try coder.int64(&producerID)
        try coder.int16(&producerEpoch)
        try coder.string(&groupID)
        try coder.tags()
    }
}

/// Whether the group was added.
public struct AddOffsetsToTxnResponse: KafkaResponse {
    public typealias Request = AddOffsetsToTxnRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode)
        try coder.tags()
    }
}
