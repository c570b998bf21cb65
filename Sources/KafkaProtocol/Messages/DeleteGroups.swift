/// Deletes groups that have no members.
public struct DeleteGroupsRequest: KafkaRequest {
    public typealias Response = DeleteGroupsResponse
    public static let apiKey = APIKey.deleteGroups
    public static let versions: ClosedRange<Int16> = 0...2

    public var groupsNames: [String] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&groupsNames)
        try coder.tags()
    }
}

/// What became of each group.
public struct DeleteGroupsResponse: KafkaResponse {
    public typealias Request = DeleteGroupsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var results: [Result] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&results)
        try coder.tags()
    }
}

extension DeleteGroupsResponse {
    public struct Result: KafkaStructure {
        public var groupID: String = ""
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&groupID)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }
}
