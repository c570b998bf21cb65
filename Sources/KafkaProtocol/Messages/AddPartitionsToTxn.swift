/// Adds partitions to a transaction before records go there. Clients send versions up to 3, one transaction each; brokers
/// send 4 and 5, with several, and may only ask whether a transaction is running (KIP-890).
public struct AddPartitionsToTxnRequest: KafkaRequest {
    public typealias Response = AddPartitionsToTxnResponse
    public static let apiKey = APIKey.addPartitionsToTxn
    public static let versions: ClosedRange<Int16> = 0...5

    public var transactions: [Transaction] = []
    public var v3AndBelowTransactionalID: String = ""
    public var v3AndBelowProducerID: Int64 = 0
    public var v3AndBelowProducerEpoch: Int16 = 0
    public var v3AndBelowTopics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&transactions, from: 4)
        try coder.string(&v3AndBelowTransactionalID, to: 3)
        try coder.int64(&v3AndBelowProducerID, to: 3)
        try coder.int16(&v3AndBelowProducerEpoch, to: 3)
        try coder.array(&v3AndBelowTopics, to: 3)
        try coder.tags()
    }
}

extension AddPartitionsToTxnRequest {
    public struct Transaction: KafkaStructure {
        public var transactionalID: String = ""
        public var producerID: Int64 = 0
        public var producerEpoch: Int16 = 0
        public var verifyOnly: Bool = false
        public var topics: [Topic] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&transactionalID)
            try coder.int64(&producerID)
            try coder.int16(&producerEpoch)
            try coder.bool(&verifyOnly)
            try coder.array(&topics)
            try coder.tags()
        }
    }

    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitions: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitions)
            try coder.tags()
        }
    }
}

/// What became of each partition.
public struct AddPartitionsToTxnResponse: KafkaResponse {
    public typealias Request = AddPartitionsToTxnRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var resultsByTransaction: [TransactionResult] = []
    public var resultsByTopicV3AndBelow: [TopicResult] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode, from: 4)
        try coder.array(&resultsByTransaction, from: 4)
        try coder.array(&resultsByTopicV3AndBelow, to: 3)
        try coder.tags()
    }
}

extension AddPartitionsToTxnResponse {
    public struct TransactionResult: KafkaStructure {
        public var transactionalID: String = ""
        public var topicResults: [TopicResult] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&transactionalID)
            try coder.array(&topicResults)
            try coder.tags()
        }
    }

    public struct TopicResult: KafkaStructure {
        public var name: String = ""
        public var resultsByPartition: [PartitionResult] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&resultsByPartition)
            try coder.tags()
        }
    }

    public struct PartitionResult: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var partitionErrorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&partitionErrorCode)
            try coder.tags()
        }
    }
}
