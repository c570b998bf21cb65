/// Changes single entries of the configuration of topics and brokers (KIP-339).
public struct IncrementalAlterConfigsRequest: KafkaRequest {
    public typealias Response = IncrementalAlterConfigsResponse
    public static let apiKey = APIKey.incrementalAlterConfigs
    public static let versions: ClosedRange<Int16> = 0...1

    public var resources: [Resource] = []
    public var validateOnly: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&resources)
        try coder.bool(&validateOnly)
        try coder.tags()
    }
}

extension IncrementalAlterConfigsRequest {
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
        /// 0 set, 1 delete, 2 append, 3 subtract.
        public var configOperation: Int8 = 0
        public var value: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.int8(&configOperation)
            try coder.nullableString(&value)
            try coder.tags()
        }
    }
}

/// What became of each resource.
public struct IncrementalAlterConfigsResponse: KafkaResponse {
    public typealias Request = IncrementalAlterConfigsRequest

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

extension IncrementalAlterConfigsResponse {
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
