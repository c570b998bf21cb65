import NIOCore

/// Asks for records from an offset on, waiting up to `maxWaitMs` for `minBytes`. Topics by name up to version 12, by id
/// from 13 (KIP-516); sessions from version 7 (KIP-227).
public struct FetchRequest: KafkaRequest {
    public typealias Response = FetchResponse
    public static let apiKey = APIKey.fetch
    public static let versions: ClosedRange<Int16> = 4...17

    /// Checked when it is there.
    public var clusterID: String?
    /// -1 for a consumer.
    public var replicaID: Int32 = -1
    public var replicaState: ReplicaState = ReplicaState()
    public var maxWaitMs: Int32 = 0
    public var minBytes: Int32 = 0
    public var maxBytes: Int32 = .max
    /// 0 read uncommitted, 1 read committed.
    public var isolationLevel: Int8 = 0
    public var sessionID: Int32 = 0
    /// -1 when no session is wanted, 0 for a new one.
    public var sessionEpoch: Int32 = -1
    public var topics: [Topic] = []
    public var forgottenTopicsData: [ForgottenTopic] = []
    public var rackID: String = ""

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&replicaID, to: 14)
        try coder.int32(&maxWaitMs)
        try coder.int32(&minBytes)
        try coder.int32(&maxBytes)
        try coder.int8(&isolationLevel)
        try coder.int32(&sessionID, from: 7)
        try coder.int32(&sessionEpoch, from: 7)
        try coder.array(&topics)
        try coder.array(&forgottenTopicsData, from: 7)
        try coder.string(&rackID, from: 11)
        try coder.tags { (coder: inout C) throws(ProtocolError) in
            try coder.nullableString(&clusterID, tag: 0)
            try coder.structure(&replicaState, tag: 1, from: 15)
        }
    }
}

extension FetchRequest {
    public struct ReplicaState: KafkaStructure {
        /// -1 for a consumer.
        public var replicaID: Int32 = -1
        public var replicaEpoch: Int64 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&replicaID)
            try coder.int64(&replicaEpoch)
            try coder.tags()
        }
    }

    public struct Topic: KafkaStructure {
        public var topic: String = ""
        public var topicID: KafkaUUID = .zero
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic, to: 12)
            try coder.uuid(&topicID, from: 13)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct ForgottenTopic: KafkaStructure {
        public var topic: String = ""
        public var topicID: KafkaUUID = .zero
        public var partitions: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic, to: 12)
            try coder.uuid(&topicID, from: 13)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partition: Int32 = 0
        public var currentLeaderEpoch: Int32 = -1
        public var fetchOffset: Int64 = 0
        /// For detecting divergence by followers; -1 when unknown.
        public var lastFetchedEpoch: Int32 = -1
        public var logStartOffset: Int64 = -1
        public var partitionMaxBytes: Int32 = 0
        public var replicaDirectoryID: KafkaUUID = .zero

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partition)
            try coder.int32(&currentLeaderEpoch, from: 9)
            try coder.int64(&fetchOffset)
            try coder.int32(&lastFetchedEpoch, from: 12)
            try coder.int64(&logStartOffset, from: 5)
            try coder.int32(&partitionMaxBytes)
            try coder.tags { (coder: inout C) throws(ProtocolError) in
                try coder.uuid(&replicaDirectoryID, tag: 0, from: 17)
            }
        }
    }
}

/// The records, by topic and partition: whole batches, of which the first may begin before the offset asked for.
public struct FetchResponse: KafkaResponse {
    public typealias Request = FetchRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    /// 0 when no session was made.
    public var sessionID: Int32 = 0
    public var responses: [Topic] = []
    /// Addresses for the leaders named in the partitions (KIP-951).
    public var nodeEndpoints: [NodeEndpoint] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode, from: 7)
        try coder.int32(&sessionID, from: 7)
        try coder.array(&responses)
        try coder.tags { (coder: inout C) throws(ProtocolError) in
            try coder.array(&nodeEndpoints, tag: 0, from: 16)
        }
    }
}

extension FetchResponse {
    public struct Topic: KafkaStructure {
        public var topic: String = ""
        public var topicID: KafkaUUID = .zero
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic, to: 12)
            try coder.uuid(&topicID, from: 13)
            try coder.array(&partitions)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var errorCode: ErrorCode = .none
        public var highWatermark: Int64 = 0
        public var lastStableOffset: Int64 = -1
        public var logStartOffset: Int64 = -1
        /// For followers.
        public var divergingEpoch: EpochEndOffset = EpochEndOffset()
        /// Where to go instead, on an error about the leader (KIP-951).
        public var currentLeader: LeaderIDAndEpoch = LeaderIDAndEpoch()
        /// For the metadata quorum.
        public var snapshotID: SnapshotID = SnapshotID()
        /// For read committed: the transactions whose records the client has to drop.
        public var abortedTransactions: [AbortedTransaction]? = []
        /// -1: read from here.
        public var preferredReadReplica: Int32 = -1
        /// Whole record batches; a slice when decoded. A broker sends an empty buffer rather than null.
        public var records: ByteBuffer?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&errorCode)
            try coder.int64(&highWatermark)
            try coder.int64(&lastStableOffset)
            try coder.int64(&logStartOffset, from: 5)
            try coder.nullableArray(&abortedTransactions)
            try coder.int32(&preferredReadReplica, from: 11)
            try coder.records(&records)
            try coder.tags { (coder: inout C) throws(ProtocolError) in
                try coder.structure(&divergingEpoch, tag: 0)
                try coder.structure(&currentLeader, tag: 1)
                try coder.structure(&snapshotID, tag: 2)
            }
        }
    }

    public struct EpochEndOffset: KafkaStructure {
        public var epoch: Int32 = -1
        public var endOffset: Int64 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&epoch)
            try coder.int64(&endOffset)
            try coder.tags()
        }
    }

    public struct SnapshotID: KafkaStructure {
        public var endOffset: Int64 = -1
        public var epoch: Int32 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int64(&endOffset)
            try coder.int32(&epoch)
            try coder.tags()
        }
    }

    public struct AbortedTransaction: KafkaStructure {
        public var producerID: Int64 = 0
        public var firstOffset: Int64 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int64(&producerID)
            try coder.int64(&firstOffset)
            try coder.tags()
        }
    }
}
