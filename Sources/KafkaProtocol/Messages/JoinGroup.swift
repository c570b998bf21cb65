import NIOCore

/// Joins a consumer group, or rejoins it for the next generation. From version 4 a new member is first given its id, with
/// `memberIDRequired` (KIP-394).
public struct JoinGroupRequest: KafkaRequest {
    public typealias Response = JoinGroupResponse
    public static let apiKey = APIKey.joinGroup
    public static let versions: ClosedRange<Int16> = 0...9

    public var groupID: String = ""
    public var sessionTimeoutMs: Int32 = 0
    /// Milliseconds the members have to rejoin; before version 1 the session timeout.
    public var rebalanceTimeoutMs: Int32 = -1
    /// Empty for a new member.
    public var memberID: String = ""
    /// Names a static member (KIP-345).
    public var groupInstanceID: String?
    public var protocolType: String = ""
    public var protocols: [ProtocolMetadata] = []
    public var reason: String?

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.int32(&sessionTimeoutMs)
        try coder.int32(&rebalanceTimeoutMs, from: 1)
        try coder.string(&memberID)
        try coder.nullableString(&groupInstanceID, from: 5)
        try coder.string(&protocolType)
        try coder.array(&protocols)
        try coder.nullableString(&reason, from: 8)
        try coder.tags()
    }
}

extension JoinGroupRequest {
    /// An assignor that the member knows, in order of preference, with its subscription.
    public struct ProtocolMetadata: KafkaStructure {
        public var name: String = ""
        public var metadata: ByteBuffer = ByteBuffer()

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.bytes(&metadata)
            try coder.tags()
        }
    }
}

/// The generation joined; the leader also gets all members with what they subscribed to.
public struct JoinGroupResponse: KafkaResponse {
    public typealias Request = JoinGroupRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var generationID: Int32 = -1
    public var protocolType: String?
    /// Null from version 7 on only.
    public var protocolName: String? = ""
    public var leader: String = ""
    /// Whether the leader must leave the assignment as it is (KIP-814).
    public var skipAssignment: Bool = false
    public var memberID: String = ""
    /// Empty for all but the leader.
    public var members: [Member] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 2)
        try coder.errorCode(&errorCode)
        try coder.int32(&generationID)
        try coder.nullableString(&protocolType, from: 7)
        try coder.nullableString(&protocolName, nullFrom: 7)
        try coder.string(&leader)
        try coder.bool(&skipAssignment, from: 9)
        try coder.string(&memberID)
        try coder.array(&members)
        try coder.tags()
    }
}

extension JoinGroupResponse {
    public struct Member: KafkaStructure {
        public var memberID: String = ""
        public var groupInstanceID: String?
        public var metadata: ByteBuffer = ByteBuffer()

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&memberID)
            try coder.nullableString(&groupInstanceID, from: 5)
            try coder.bytes(&metadata)
            try coder.tags()
        }
    }
}
