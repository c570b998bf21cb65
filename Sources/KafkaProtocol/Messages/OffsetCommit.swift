/// Commits offsets of a group; generation -1 when the sender is no member.
public struct OffsetCommitRequest: KafkaRequest {
    public typealias Response = OffsetCommitResponse
    public static let apiKey = APIKey.offsetCommit
    public static let versions: ClosedRange<Int16> = 1...9

    public var groupID: String = ""
    /// The generation of the classic protocol, the epoch of KIP-848.
    public var generationIDOrMemberEpoch: Int32 = -1
    public var memberID: String = ""
    public var groupInstanceID: String?
    /// -1 for the default of the broker.
    public var retentionTimeMs: Int64 = -1
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.int32(&generationIDOrMemberEpoch)
        try coder.string(&memberID)
        try coder.nullableString(&groupInstanceID, from: 7)
        try coder.int64(&retentionTimeMs, from: 2, to: 4)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension OffsetCommitRequest {
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
        /// The offset of the next record to read.
        public var committedOffset: Int64 = 0
        public var committedLeaderEpoch: Int32 = -1
        /// Milliseconds since 1970; -1 for now.
        public var commitTimestamp: Int64 = -1
        public var committedMetadata: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&committedOffset)
            try coder.int32(&committedLeaderEpoch, from: 6)
            try coder.int64(&commitTimestamp, to: 1)
            try coder.nullableString(&committedMetadata)
            try coder.tags()
        }
    }
}

/// What became of each offset.
public struct OffsetCommitResponse: KafkaResponse {
    public typealias Request = OffsetCommitRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 3)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension OffsetCommitResponse {
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

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }
}
