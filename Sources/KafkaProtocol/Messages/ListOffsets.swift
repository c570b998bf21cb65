/// Asks for the offset at a time: -1 the end, -2 the start, -3 the record with the largest timestamp, otherwise the first
/// record at or after so many milliseconds since 1970.
public struct ListOffsetsRequest: KafkaRequest {
    public typealias Response = ListOffsetsResponse
    public static let apiKey = APIKey.listOffsets
    public static let versions: ClosedRange<Int16> = 1...10

    /// -1 for a consumer.
    public var replicaID: Int32 = 0
    /// 0 read uncommitted, 1 read committed.
    public var isolationLevel: Int8 = 0
    public var topics: [Topic] = []
    public var timeoutMs: Int32 = 0

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&replicaID)
        try coder.int8(&isolationLevel, from: 2)
        try coder.array(&topics)
        try coder.int32(&timeoutMs, from: 10)
        try coder.tags()
    }
}

extension ListOffsetsRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var currentLeaderEpoch: Int32 = -1
        public var timestamp: Int64 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int32(&currentLeaderEpoch, from: 4)
            try coder.int64(&timestamp)
            try coder.tags()
        }
    }
}

/// The offsets found; -1, without an error, where no record is that late.
public struct ListOffsetsResponse: KafkaResponse {
    public typealias Request = ListOffsetsRequest

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

extension ListOffsetsResponse {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var errorCode: ErrorCode = .none
        public var timestamp: Int64 = -1
        public var offset: Int64 = -1
        public var leaderEpoch: Int32 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&errorCode)
            try coder.int64(&timestamp)
            try coder.int64(&offset)
            try coder.int32(&leaderEpoch, from: 4)
            try coder.tags()
        }
    }
}
