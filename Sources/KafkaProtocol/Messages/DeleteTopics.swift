/// Deletes topics: by name up to version 5, by name or id from 6 (KIP-516).
public struct DeleteTopicsRequest: KafkaRequest {
    public typealias Response = DeleteTopicsResponse
    public static let apiKey = APIKey.deleteTopics
    public static let versions: ClosedRange<Int16> = 1...6

    public var topics: [Topic] = []
    public var topicNames: [String] = []
    public var timeoutMs: Int32 = 0

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics, from: 6)
        try coder.array(&topicNames, to: 5)
        try coder.int32(&timeoutMs)
        try coder.tags()
    }
}

extension DeleteTopicsRequest {
    public struct Topic: KafkaStructure {
        /// Null when given by id.
        public var name: String?
        public var topicID: KafkaUUID = .zero

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.nullableString(&name)
            try coder.uuid(&topicID)
            try coder.tags()
        }
    }
}

/// What became of each topic.
public struct DeleteTopicsResponse: KafkaResponse {
    public typealias Request = DeleteTopicsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var responses: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&responses)
        try coder.tags()
    }
}

extension DeleteTopicsResponse {
    public struct Topic: KafkaStructure {
        public var name: String? = ""
        public var topicID: KafkaUUID = .zero
        public var errorCode: ErrorCode = .none
        public var errorMessage: String?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.nullableString(&name, nullFrom: 6)
            try coder.uuid(&topicID, from: 6)
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage, from: 5)
            try coder.tags()
        }
    }
}
