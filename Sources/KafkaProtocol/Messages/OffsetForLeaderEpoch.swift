/// Asks where a leader epoch ends, to find out whether the asker's log diverges (KIP-101, KIP-320).
public struct OffsetForLeaderEpochRequest: KafkaRequest {
    public typealias Response = OffsetForLeaderEpochResponse
    public static let apiKey = APIKey.offsetForLeaderEpoch
    public static let versions: ClosedRange<Int16> = 2...4

    /// -1 for a consumer.
    public var replicaID: Int32 = -2
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&replicaID, from: 3)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension OffsetForLeaderEpochRequest {
    public struct Topic: KafkaStructure {
        public var topic: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partition: Int32 = 0
        public var currentLeaderEpoch: Int32 = -1
        public var leaderEpoch: Int32 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partition)
            try coder.int32(&currentLeaderEpoch)
            try coder.int32(&leaderEpoch)
            try coder.tags()
        }
    }
}

/// The end of the largest epoch not above the one asked for.
public struct OffsetForLeaderEpochResponse: KafkaResponse {
    public typealias Request = OffsetForLeaderEpochRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension OffsetForLeaderEpochResponse {
    public struct Topic: KafkaStructure {
        public var topic: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var partition: Int32 = 0
        public var leaderEpoch: Int32 = -1
        public var endOffset: Int64 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.int32(&partition)
            try coder.int32(&leaderEpoch)
            try coder.int64(&endOffset)
            try coder.tags()
        }
    }
}
