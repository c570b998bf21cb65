/// Asks for the configuration of topics and brokers.
public struct DescribeConfigsRequest: KafkaRequest {
    public typealias Response = DescribeConfigsResponse
    public static let apiKey = APIKey.describeConfigs
    public static let versions: ClosedRange<Int16> = 0...4

    public var resources: [Resource] = []
    public var includeSynonyms: Bool = false
    public var includeDocumentation: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&resources)
        try coder.bool(&includeSynonyms, from: 1)
        try coder.bool(&includeDocumentation, from: 3)
        try coder.tags()
    }
}

extension DescribeConfigsRequest {
    public struct Resource: KafkaStructure {
        /// 2 a topic, 4 a broker.
        public var resourceType: Int8 = 0
        public var resourceName: String = ""
        /// Null asks for all.
        public var configurationKeys: [String]? = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int8(&resourceType)
            try coder.string(&resourceName)
            try coder.nullableArray(&configurationKeys)
            try coder.tags()
        }
    }
}

/// The configuration, with where each value comes from.
public struct DescribeConfigsResponse: KafkaResponse {
    public typealias Request = DescribeConfigsRequest

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

extension DescribeConfigsResponse {
    public struct Result: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var errorMessage: String? = ""
        /// 2 a topic, 4 a broker.
        public var resourceType: Int8 = 0
        public var resourceName: String = ""
        public var configs: [Config] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage)
            try coder.int8(&resourceType)
            try coder.string(&resourceName)
            try coder.array(&configs)
            try coder.tags()
        }
    }

    public struct Config: KafkaStructure {
        public var name: String = ""
        /// Null when it is sensitive or not set.
        public var value: String? = ""
        public var readOnly: Bool = false
        /// 1 the topic itself, 4 the broker's file, 5 a default.
        public var configSource: Int8 = -1
        /// It is not set; told by ``configSource`` from version 1 on.
        public var isDefault: Bool = false
        public var isSensitive: Bool = false
        public var synonyms: [Synonym] = []
        public var configType: Int8 = 0
        public var documentation: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.nullableString(&value)
            try coder.bool(&readOnly)
            try coder.int8(&configSource, from: 1)
            try coder.bool(&isDefault, to: 0)
            try coder.bool(&isSensitive)
            try coder.array(&synonyms, from: 1)
            try coder.int8(&configType, from: 3)
            try coder.nullableString(&documentation, from: 3)
            try coder.tags()
        }
    }

    public struct Synonym: KafkaStructure {
        public var name: String = ""
        /// Null when it is sensitive or not set.
        public var value: String? = ""
        public var source: Int8 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.nullableString(&value)
            try coder.int8(&source)
            try coder.tags()
        }
    }
}
