import NIOCore

/// Records to append, by topic and partition. `acks` is -1 (all), 1 (leader) or 0 (no response at all).
///
/// Versions before 3 carry message sets that this house refuses: they are described so that the refusal can be answered,
/// and advertised because librdkafka stops compressing when they are not (KAFKA-18659).
public struct ProduceRequest: KafkaRequest {
    public typealias Response = ProduceResponse
    public static let apiKey = APIKey.produce
    public static let versions: ClosedRange<Int16> = 0...12

    public var transactionalID: String?
    public var acks: Int16 = 0
    /// Milliseconds to wait for replicas.
    public var timeoutMs: Int32 = 0
    public var topicData: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.nullableString(&transactionalID, from: 3)
        try coder.int16(&acks)
        try coder.int32(&timeoutMs)
        try coder.array(&topicData)
        try coder.tags()
    }
}

extension ProduceRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitionData: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitionData)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var index: Int32 = 0
        /// A slice of the frame, not a copy.
        public var records: ByteBuffer?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&index)
            try coder.records(&records)
            try coder.tags()
        }
    }
}

/// The offsets at which the records were appended, or why not, by topic and partition.
public struct ProduceResponse: KafkaResponse {
    public typealias Request = ProduceRequest

    public var responses: [Topic] = []
    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    /// Addresses for the leaders named in the partitions (KIP-951).
    public var nodeEndpoints: [NodeEndpoint] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&responses)
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.tags { (coder: inout C) throws(ProtocolError) in
            try coder.array(&nodeEndpoints, tag: 0, from: 10)
        }
    }
}

extension ProduceResponse {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitionResponses: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitionResponses)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var index: Int32 = 0
        public var errorCode: ErrorCode = .none
        /// The offset of the first record; -1 on an error.
        public var baseOffset: Int64 = 0
        /// -1 unless the topic uses log append time.
        public var logAppendTimeMs: Int64 = -1
        public var logStartOffset: Int64 = -1
        /// The records that caused the batch to be refused (KIP-467).
        public var recordErrors: [RecordError] = []
        public var errorMessage: String?
        /// Where to go instead, on `notLeaderOrFollower` (KIP-951).
        public var currentLeader: LeaderIDAndEpoch = LeaderIDAndEpoch()

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&index)
            try coder.errorCode(&errorCode)
            try coder.int64(&baseOffset)
            try coder.int64(&logAppendTimeMs, from: 2)
            try coder.int64(&logStartOffset, from: 5)
            try coder.array(&recordErrors, from: 8)
            try coder.nullableString(&errorMessage, from: 8)
            try coder.tags { (coder: inout C) throws(ProtocolError) in
                try coder.structure(&currentLeader, tag: 0, from: 10)
            }
        }
    }

    public struct RecordError: KafkaStructure {
        public var batchIndex: Int32 = 0
        public var batchIndexErrorMessage: String?

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&batchIndex)
            try coder.nullableString(&batchIndexErrorMessage)
            try coder.tags()
        }
    }
}
