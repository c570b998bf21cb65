/// Asks for the state of transactions (KIP-664).
public struct DescribeTransactionsRequest: KafkaRequest {
    public typealias Response = DescribeTransactionsResponse
    public static let apiKey = APIKey.describeTransactions
    public static let versions: ClosedRange<Int16> = 0...0

    public var transactionalIDs: [String] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&transactionalIDs)
        try coder.tags()
    }
}

/// The state of each transaction.
public struct DescribeTransactionsResponse: KafkaResponse {
    public typealias Request = DescribeTransactionsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var transactionStates: [TransactionState] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.array(&transactionStates)
        try coder.tags()
    }
}

extension DescribeTransactionsResponse {
    public struct TransactionState: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var transactionalID: String = ""
        public var transactionState: String = ""
        public var transactionTimeoutMs: Int32 = 0
        public var transactionStartTimeMs: Int64 = 0
        public var producerID: Int64 = 0
        public var producerEpoch: Int16 = 0
        public var topics: [Topic] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.string(&transactionalID)
            try coder.string(&transactionState)
            try coder.int32(&transactionTimeoutMs)
            try coder.int64(&transactionStartTimeMs)
            try coder.int64(&producerID)
            try coder.int16(&producerEpoch)
            try coder.array(&topics)
            try coder.tags()
        }
    }

    public struct Topic: KafkaStructure {
        public var topic: String = ""
        public var partitions: [Int32] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&topic)
            try coder.array(&partitions)
            try coder.tags()
        }
    }
}
