import NIOCore

/// Asks for the member's assignment; the leader brings everybody's.
public struct SyncGroupRequest: KafkaRequest {
    public typealias Response = SyncGroupResponse
    public static let apiKey = APIKey.syncGroup
    public static let versions: ClosedRange<Int16> = 0...5

    public var groupID: String = ""
    public var generationID: Int32 = 0
    public var memberID: String = ""
    public var groupInstanceID: String?
    public var protocolType: String?
    public var protocolName: String?
    public var assignments: [Assignment] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.int32(&generationID)
        try coder.string(&memberID)
        try coder.nullableString(&groupInstanceID, from: 3)
        try coder.nullableString(&protocolType, from: 5)
        try coder.nullableString(&protocolName, from: 5)
        try coder.array(&assignments)
        try coder.tags()
    }
}

extension SyncGroupRequest {
    public struct Assignment: KafkaStructure {
        public var memberID: String = ""
        public var assignment: ByteBuffer = ByteBuffer()

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&memberID)
            try coder.bytes(&assignment)
            try coder.tags()
        }
    }
}

/// The member's assignment.
public struct SyncGroupResponse: KafkaResponse {
    public typealias Request = SyncGroupRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var protocolType: String?
    public var protocolName: String?
    public var assignment: ByteBuffer = ByteBuffer()

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.errorCode(&errorCode)
        try coder.nullableString(&protocolType, from: 5)
        try coder.nullableString(&protocolName, from: 5)
        try coder.bytes(&assignment)
        try coder.tags()
    }
}
