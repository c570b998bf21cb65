/// Says that the member lives, and asks whether the generation still stands.
public struct HeartbeatRequest: KafkaRequest {
    public typealias Response = HeartbeatResponse
    public static let apiKey = APIKey.heartbeat
    public static let versions: ClosedRange<Int16> = 0...4

    public var groupID: String = ""
    public var generationID: Int32 = 0
    public var memberID: String = ""
    public var groupInstanceID: String?

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.int32(&generationID)
        try coder.string(&memberID)
        try coder.nullableString(&groupInstanceID, from: 3)
        try coder.tags()
    }
}

/// `rebalanceInProgress` asks the member to rejoin.
public struct HeartbeatResponse: KafkaResponse {
    public typealias Request = HeartbeatRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.errorCode(&errorCode)
        try coder.tags()
    }
}
