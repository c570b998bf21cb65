/// Replaces the configuration of topics and brokers: what is not named returns to its default.
public struct AlterConfigsRequest: KafkaRequest {
    public typealias Response = AlterConfigsResponse
    public static let apiKey = APIKey.alterConfigs
    public static let versions: ClosedRange<Int16> = 0...2

    public var resources: [Resource] = []
    public var validateOnly: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&resources)
        try coder.bool(&validateOnly)
        try coder.tags()
    }
}

extension AlterConfigsRequest {
    public struct Resource: KafkaStructure {
        /// 2 a topic, 4 a broker.
        public var resourceType: Int8 = 0
        public var resourceName: String = ""
        public var configs: [Config] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int8(&resourceType)
            try coder.string(&resourceName)
            try coder.array(&configs)
            try coder.tags()
        }
    }

    public struct Config: KafkaStructure {
        public var name: String = ""
        public var value: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.nullableString(&value)
            try coder.tags()
        }
    }
}

/// What became of each resource.
public struct AlterConfigsResponse: KafkaResponse {
    public typealias Request = AlterConfigsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var responses: [Resource] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&responses)
        try coder.tags()
    }
}

extension AlterConfigsResponse {
    public struct Resource: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var errorMessage: String? = ""
        /// 2 a topic, 4 a broker.
        public var resourceType: Int8 = 0
        public var resourceName: String = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage)
            try coder.int8(&resourceType)
            try coder.string(&resourceName)
            try coder.tags()
        }
    }
}
