/// Creates topics: with a number of partitions and replicas (-1 for the defaults of the broker, KIP-464), or with an
/// assignment of replicas, or only checks whether it could.
public struct CreateTopicsRequest: KafkaRequest {
    public typealias Response = CreateTopicsResponse
    public static let apiKey = APIKey.createTopics
    public static let versions: ClosedRange<Int16> = 0...7

    public var topics: [Topic] = []
    public var timeoutMs: Int32 = 60000
    public var validateOnly: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics)
        try coder.int32(&timeoutMs)
        try coder.bool(&validateOnly, from: 1)
        try coder.tags()
    }
}

extension CreateTopicsRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var numPartitions: Int32 = 0
        public var replicationFactor: Int16 = 0
        /// Empty when the broker is to choose.
        public var assignments: [Assignment] = []
        public var configs: [Config] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.int32(&numPartitions)
            try coder.int16(&replicationFactor)
            try coder.array(&assignments)
            try coder.array(&configs)
            try coder.tags()
        }
    }

    public struct Assignment: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var brokerIDs: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.array(&brokerIDs)
            try coder.tags()
        }
    }

    public struct Config: KafkaStructure {
        public var name: String = ""
        /// Null for the default.
        public var value: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.nullableString(&value)
            try coder.tags()
        }
    }
}

/// What became of each topic.
public struct CreateTopicsResponse: KafkaResponse {
    public typealias Request = CreateTopicsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 2)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension CreateTopicsResponse {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var topicID: KafkaUUID = .zero
        public var errorCode: ErrorCode = .none
        public var errorMessage: String? = ""
        /// Why the configuration is not told.
        public var topicConfigErrorCode: ErrorCode = .none
        public var numPartitions: Int32 = -1
        public var replicationFactor: Int16 = -1
        /// Null when it is not told.
        public var configs: [Config]? = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.uuid(&topicID, from: 7)
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage, from: 1)
            try coder.int32(&numPartitions, from: 5)
            try coder.int16(&replicationFactor, from: 5)
            try coder.nullableArray(&configs, from: 5)
            try coder.tags { (coder: inout C) throws(ProtocolError) in
                try coder.errorCode(&topicConfigErrorCode, tag: 0)
            }
        }
    }

    public struct Config: KafkaStructure {
        public var name: String = ""
        public var value: String? = ""
        public var readOnly: Bool = false
        /// 1 the topic itself, 5 a default.
        public var configSource: Int8 = -1
        public var isSensitive: Bool = false

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.nullableString(&value)
            try coder.bool(&readOnly)
            try coder.int8(&configSource)
            try coder.bool(&isSensitive)
            try coder.tags()
        }
    }
}
