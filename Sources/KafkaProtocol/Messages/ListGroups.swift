/// Asks for the groups of the broker, from version 4 in certain states (KIP-518), from 5 of certain types (KIP-848).
public struct ListGroupsRequest: KafkaRequest {
    public typealias Response = ListGroupsResponse
    public static let apiKey = APIKey.listGroups
    public static let versions: ClosedRange<Int16> = 0...5

    public var statesFilter: [String] = []
    public var typesFilter: [String] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&statesFilter, from: 4)
        try coder.array(&typesFilter, from: 5)
        try coder.tags()
    }
}

/// The groups of the broker.
public struct ListGroupsResponse: KafkaResponse {
    public typealias Request = ListGroupsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var groups: [Group] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.errorCode(&errorCode)
        try coder.array(&groups)
        try coder.tags()
    }
}

extension ListGroupsResponse {
    public struct Group: KafkaStructure {
        public var groupID: String = ""
        public var protocolType: String = ""
        public var groupState: String = ""
        public var groupType: String = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&groupID)
            try coder.string(&protocolType)
            try coder.string(&groupState, from: 4)
            try coder.string(&groupType, from: 5)
            try coder.tags()
        }
    }
}
