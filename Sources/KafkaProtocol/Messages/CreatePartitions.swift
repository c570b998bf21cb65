/// Raises the number of partitions of topics.
public struct CreatePartitionsRequest: KafkaRequest {
    public typealias Response = CreatePartitionsResponse
    public static let apiKey = APIKey.createPartitions
    public static let versions: ClosedRange<Int16> = 0...3

    public var topics: [Topic] = []
    public var timeoutMs: Int32 = 0
    public var validateOnly: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics)
        try coder.int32(&timeoutMs)
        try coder.bool(&validateOnly)
        try coder.tags()
    }
}

extension CreatePartitionsRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        /// The new number in all.
        public var count: Int32 = 0
        /// Null when the broker is to choose.
        public var assignments: [Assignment]? = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.int32(&count)
            try coder.nullableArray(&assignments)
            try coder.tags()
        }
    }

    public struct Assignment: KafkaStructure {
        public var brokerIDs: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.array(&brokerIDs)
            try coder.tags()
        }
    }
}

/// What became of each topic.
public struct CreatePartitionsResponse: KafkaResponse {
    public typealias Request = CreatePartitionsRequest

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

extension CreatePartitionsResponse {
    public struct Result: KafkaStructure {
        public var name: String = ""
        public var errorCode: ErrorCode = .none
        public var errorMessage: String?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage)
            try coder.tags()
        }
    }
}
