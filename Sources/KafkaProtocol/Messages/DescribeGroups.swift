import NIOCore

/// Asks for state and members of groups.
public struct DescribeGroupsRequest: KafkaRequest {
    public typealias Response = DescribeGroupsResponse
    public static let apiKey = APIKey.describeGroups
    public static let versions: ClosedRange<Int16> = 0...6

    public var groups: [String] = []
    public var includeAuthorizedOperations: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&groups)
        try coder.bool(&includeAuthorizedOperations, from: 3)
        try coder.tags()
    }
}

/// State and members of each group; from version 6 an unknown one is `groupIDNotFound` (KIP-1043).
public struct DescribeGroupsResponse: KafkaResponse {
    public typealias Request = DescribeGroupsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var groups: [Group] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.array(&groups)
        try coder.tags()
    }
}

extension DescribeGroupsResponse {
    public struct Group: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var errorMessage: String?
        public var groupID: String = ""
        public var groupState: String = ""
        public var protocolType: String = ""
        /// The assignor chosen.
        public var protocolData: String = ""
        public var members: [Member] = []
        /// Bits of allowed operations; the least number when they were not asked for.
        public var authorizedOperations: Int32 = .min

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage, from: 6)
            try coder.string(&groupID)
            try coder.string(&groupState)
            try coder.string(&protocolType)
            try coder.string(&protocolData)
            try coder.array(&members)
            try coder.int32(&authorizedOperations, from: 3)
            try coder.tags()
        }
    }

    public struct Member: KafkaStructure {
        public var memberID: String = ""
        public var groupInstanceID: String?
        public var clientID: String = ""
        public var clientHost: String = ""
        public var memberMetadata: ByteBuffer = ByteBuffer()
        public var memberAssignment: ByteBuffer = ByteBuffer()

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&memberID)
            try coder.nullableString(&groupInstanceID, from: 4)
            try coder.string(&clientID)
            try coder.string(&clientHost)
            try coder.bytes(&memberMetadata)
            try coder.bytes(&memberAssignment)
            try coder.tags()
        }
    }
}
