/// Asks for the cluster's id, controller and brokers (KIP-700).
public struct DescribeClusterRequest: KafkaRequest {
    public typealias Response = DescribeClusterResponse
    public static let apiKey = APIKey.describeCluster
    public static let versions: ClosedRange<Int16> = 0...2

    public var includeClusterAuthorizedOperations: Bool = false
    /// 1 brokers, 2 controllers.
    public var endpointType: Int8 = 1
    public var includeFencedBrokers: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.bool(&includeClusterAuthorizedOperations)
        try coder.int8(&endpointType, from: 1)
        try coder.bool(&includeFencedBrokers, from: 2)
        try coder.tags()
    }
}

/// The cluster's id, controller and brokers.
public struct DescribeClusterResponse: KafkaResponse {
    public typealias Request = DescribeClusterRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var errorMessage: String?
    /// 1 brokers, 2 controllers.
    public var endpointType: Int8 = 1
    public var clusterID: String = ""
    public var controllerID: Int32 = -1
    public var brokers: [Broker] = []
    /// Bits of allowed operations; the least number when they were not asked for.
    public var clusterAuthorizedOperations: Int32 = .min

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode)
        try coder.nullableString(&errorMessage)
        try coder.int8(&endpointType, from: 1)
        try coder.string(&clusterID)
        try coder.int32(&controllerID)
        try coder.array(&brokers)
        try coder.int32(&clusterAuthorizedOperations)
        try coder.tags()
    }
}

extension DescribeClusterResponse {
    public struct Broker: KafkaStructure {
        public var brokerID: Int32 = 0
        public var host: String = ""
        public var port: Int32 = 0
        public var rack: String?
        public var isFenced: Bool = false

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&brokerID)
            try coder.string(&host)
            try coder.int32(&port)
            try coder.nullableString(&rack)
            try coder.bool(&isFenced, from: 2)
            try coder.tags()
        }
    }
}
