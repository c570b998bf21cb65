/// Asks for topics with their partitions, page by page (KIP-966).
public struct DescribeTopicPartitionsRequest: KafkaRequest {
    public typealias Response = DescribeTopicPartitionsResponse
    public static let apiKey = APIKey.describeTopicPartitions
    public static let versions: ClosedRange<Int16> = 0...0

    /// Empty asks for all.
    public var topics: [Topic] = []
    public var responsePartitionLimit: Int32 = 2000
    /// Where to begin; null for the start.
    public var cursor: Cursor?

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics)
        try coder.int32(&responsePartitionLimit)
        try coder.nullableStructure(&cursor)
        try coder.tags()
    }
}

extension DescribeTopicPartitionsRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.tags()
        }
    }

    public struct Cursor: KafkaStructure {
        public var topicName: String = ""
        public var partitionIndex: Int32 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topicName)
            try coder.int32(&partitionIndex)
            try coder.tags()
        }
    }
}

/// A page of topics and partitions.
public struct DescribeTopicPartitionsResponse: KafkaResponse {
    public typealias Request = DescribeTopicPartitionsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []
    /// Where the next page begins; null after the last.
    public var nextCursor: Cursor?

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&topics)
        try coder.nullableStructure(&nextCursor)
        try coder.tags()
    }
}

extension DescribeTopicPartitionsResponse {
    public struct Topic: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var name: String? = ""
        public var topicID: KafkaUUID = .zero
        public var isInternal: Bool = false
        public var partitions: [Partition] = []
        /// Bits of allowed operations; the least number when they were not asked for.
        public var topicAuthorizedOperations: Int32 = .min

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.nullableString(&name)
            try coder.uuid(&topicID)
            try coder.bool(&isInternal)
            try coder.array(&partitions)
            try coder.int32(&topicAuthorizedOperations)
            try coder.tags()
        }
    }

    public struct Cursor: KafkaStructure {
        public var topicName: String = ""
        public var partitionIndex: Int32 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topicName)
            try coder.int32(&partitionIndex)
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
        public var eligibleLeaderReplicas: [Int32]?
        public var lastKnownElr: [Int32]?
        public var offlineReplicas: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.int32(&partitionIndex)
            try coder.int32(&leaderID)
            try coder.int32(&leaderEpoch)
            try coder.array(&replicaNodes)
            try coder.array(&isrNodes)
            try coder.nullableArray(&eligibleLeaderReplicas)
            try coder.nullableArray(&lastKnownElr)
            try coder.array(&offlineReplicas)
            try coder.tags()
        }
    }
}
