/// Asks for the idempotent and transactional producers of partitions (KIP-664).
public struct DescribeProducersRequest: KafkaRequest {
    public typealias Response = DescribeProducersResponse
    public static let apiKey = APIKey.describeProducers
    public static let versions: ClosedRange<Int16> = 0...0

    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics)
        try coder.tags()
    }
}

extension DescribeProducersRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitionIndexes: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitionIndexes)
            try coder.tags()
        }
    }
}

/// The producers that the partitions remember.
public struct DescribeProducersResponse: KafkaResponse {
    public typealias Request = DescribeProducersRequest

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

extension DescribeProducersResponse {
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
        public var errorMessage: String?
        public var activeProducers: [ProducerState] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage)
            try coder.array(&activeProducers)
            try coder.tags()
        }
    }

    public struct ProducerState: KafkaStructure {
        public var producerID: Int64 = 0
        public var producerEpoch: Int32 = 0
        public var lastSequence: Int32 = -1
        public var lastTimestamp: Int64 = -1
        public var coordinatorEpoch: Int32 = 0
        /// -1 when no transaction is open.
        public var currentTxnStartOffset: Int64 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int64(&producerID)
            try coder.int32(&producerEpoch)
            try coder.int32(&lastSequence)
            try coder.int64(&lastTimestamp)
            try coder.int32(&coordinatorEpoch)
            try coder.int64(&currentTxnStartOffset)
            try coder.tags()
        }
    }
}
