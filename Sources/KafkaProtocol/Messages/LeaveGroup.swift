/// Takes members out of a group: the sender up to version 2, several from 3 (KIP-345).
public struct LeaveGroupRequest: KafkaRequest {
    public typealias Response = LeaveGroupResponse
    public static let apiKey = APIKey.leaveGroup
    public static let versions: ClosedRange<Int16> = 0...5

    public var groupID: String = ""
    public var memberID: String = ""
    public var members: [Member] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.string(&memberID, to: 2)
        try coder.array(&members, from: 3)
        try coder.tags()
    }
}

extension LeaveGroupRequest {
    public struct Member: KafkaStructure {
        public var memberID: String = ""
        public var groupInstanceID: String?
        /// Why, for the log (KIP-800).
        public var reason: String?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&memberID)
            try coder.nullableString(&groupInstanceID)
            try coder.nullableString(&reason, from: 5)
            try coder.tags()
        }
    }
}

/// What became of each member.
public struct LeaveGroupResponse: KafkaResponse {
    public typealias Request = LeaveGroupRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var members: [Member] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.errorCode(&errorCode)
        try coder.array(&members, from: 3)
        try coder.tags()
    }
}

extension LeaveGroupResponse {
    public struct Member: KafkaStructure {
        public var memberID: String = ""
        public var groupInstanceID: String? = ""
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&memberID)
            try coder.nullableString(&groupInstanceID)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }
}
