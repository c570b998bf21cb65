/// Asks for brokers, topics, partitions and leaders.
///
/// From version 10 a topic may be asked for by id, then with a null name.
public struct MetadataRequest: KafkaRequest {
    public typealias Response = MetadataResponse
    public static let apiKey = APIKey.metadata
    public static let versions: ClosedRange<Int16> = 0...13

    /// Null asks for all topics; in version 0, which has no null, an empty array does.
    public var topics: [Topic]? = []
    /// Whether a topic that does not exist may be created; before version 4 it always may.
    public var allowAutoTopicCreation: Bool = true
    public var includeClusterAuthorizedOperations: Bool = false
    public var includeTopicAuthorizedOperations: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.nullableArray(&topics, nullFrom: 1)
        try coder.bool(&allowAutoTopicCreation, from: 4)
        try coder.bool(&includeClusterAuthorizedOperations, from: 8, to: 10)
        try coder.bool(&includeTopicAuthorizedOperations, from: 8)
        try coder.tags()
    }
}

extension MetadataRequest {
    public struct Topic: KafkaStructure {
        public var topicID: KafkaUUID = .zero
        /// Null when asked for by id.
        public var name: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.uuid(&topicID, from: 10)
            try coder.nullableString(&name, nullFrom: 10)
            try coder.tags()
        }
    }
}

/// The brokers, and the topics that were asked for with their partitions and leaders.
public struct MetadataResponse: KafkaResponse {
    public typealias Request = MetadataRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var brokers: [Broker] = []
    public var clusterID: String?
    public var controllerID: Int32 = -1
    public var topics: [Topic] = []
    /// Bits of allowed operations; the least number when they were not asked for.
    public var clusterAuthorizedOperations: Int32 = .min
    /// For the whole request, such as `rebootstrapRequired` (KIP-1102).
    public var errorCode: ErrorCode = .none

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 3)
        try coder.array(&brokers)
        try coder.nullableString(&clusterID, from: 2)
        try coder.int32(&controllerID, from: 1)
        try coder.array(&topics)
        try coder.int32(&clusterAuthorizedOperations, from: 8, to: 10)
        try coder.errorCode(&errorCode, from: 13)
        try coder.tags()
    }
}

extension MetadataResponse {
    public struct Broker: KafkaStructure {
        public var nodeID: Int32 = 0
        public var host: String = ""
        public var port: Int32 = 0
        public var rack: String?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&nodeID)
            try coder.string(&host)
            try coder.int32(&port)
            try coder.nullableString(&rack, from: 1)
            try coder.tags()
        }
    }

    public struct Topic: KafkaStructure {
        public var errorCode: ErrorCode = .none
        /// Null (from version 12) when the topic was asked for by an id that nobody knows.
        public var name: String? = ""
        public var topicID: KafkaUUID = .zero
        public var isInternal: Bool = false
        public var partitions: [Partition] = []
        /// Bits of allowed operations; the least number when they were not asked for.
        public var topicAuthorizedOperations: Int32 = .min

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.nullableString(&name, nullFrom: 12)
            try coder.uuid(&topicID, from: 10)
            try coder.bool(&isInternal, from: 1)
            try coder.array(&partitions)
            try coder.int32(&topicAuthorizedOperations, from: 8)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var partitionIndex: Int32 = 0
        public var leaderID: Int32 = 0
        public var leaderEpoch: Int32 = -1
        public var replicaNodes: [Int32] = []
        public var isrNodes: [Int32] = []
        public var offlineReplicas: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.int32(&partitionIndex)
            try coder.int32(&leaderID)
            try coder.int32(&leaderEpoch, from: 7)
            try coder.array(&replicaNodes)
            try coder.array(&isrNodes)
            try coder.array(&offlineReplicas, from: 5)
            try coder.tags()
        }
    }
}
