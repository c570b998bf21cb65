/// Commits offsets of a group as part of a transaction.
public struct TxnOffsetCommitRequest: KafkaRequest {
    public typealias Response = TxnOffsetCommitResponse
    public static let apiKey = APIKey.txnOffsetCommit
    public static let versions: ClosedRange<Int16> = 0...5

    public var transactionalID: String = ""
    public var groupID: String = ""
    public var producerID: Int64 = 0
    public var producerEpoch: Int16 = 0
    /// -1 when the group is not to be fenced (KIP-447).
    public var generationID: Int32 = -1
    public var memberID: String = ""
    public var groupInstanceID: String?
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&transactionalID)
        try coder.string(&groupID)
        try coder.int64(&producerID)
        try coder.int16(&producerEpoch)
        try coder.int32(&generationID, from: 3)
        try coder.string(&memberID, from: 3)
        try coder.nullableString(&groupInstanceID, from: 3)
        try coder.array(&topics)
        try coder.tags()
    }
}

extension TxnOffsetCommitRequest {
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
        public var committedOffset: Int64 = 0
        public var committedLeaderEpoch: Int32 = -1
        public var committedMetadata: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&committedOffset)
            try coder.int32(&committedLeaderEpoch, from: 2)
            try coder.nullableString(&committedMetadata)
            try coder.tags()
        }
    }
}

/// What became of each offset.
public struct TxnOffsetCommitResponse: KafkaResponse {
    public typealias Request = TxnOffsetCommitRequest

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

extension TxnOffsetCommitResponse {
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
