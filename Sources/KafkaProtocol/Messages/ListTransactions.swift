/// Asks for the transactions of the broker (KIP-664), from version 1 those running longer than a time (KIP-994).
public struct ListTransactionsRequest: KafkaRequest {
    public typealias Response = ListTransactionsResponse
    public static let apiKey = APIKey.listTransactions
    public static let versions: ClosedRange<Int16> = 0...1

    public var stateFilters: [String] = []
    public var producerIDFilters: [Int64] = []
    /// Milliseconds; -1 for no filter.
    public var durationFilter: Int64 = -1

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&stateFilters)
        try coder.array(&producerIDFilters)
        try coder.int64(&durationFilter, from: 1)
        try coder.tags()
    }
}

/// The transactions of the broker.
public struct ListTransactionsResponse: KafkaResponse {
    public typealias Request = ListTransactionsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var unknownStateFilters: [String] = []
    public var transactionStates: [TransactionState] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode)
        try coder.array(&unknownStateFilters)
        try coder.array(&transactionStates)
        try coder.tags()
    }
}

extension ListTransactionsResponse {
    public struct TransactionState: KafkaStructure {
        public var transactionalID: String = ""
        public var producerID: Int64 = 0
        public var transactionState: String = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&transactionalID)
            try coder.int64(&producerID)
            try coder.string(&transactionState)
            try coder.tags()
        }
    }
}
