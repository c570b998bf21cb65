/// The leader of a partition and its epoch, told to a client that asked the wrong broker (KIP-951).
public struct LeaderIDAndEpoch: KafkaStructure {
    /// -1 when unknown.
    public var leaderID: Int32 = -1
    public var leaderEpoch: Int32 = -1

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&leaderID)
        try coder.int32(&leaderEpoch)
        try coder.tags()
    }
}

/// The address of a broker that a response names as a leader (KIP-951).
public struct NodeEndpoint: KafkaStructure {
    public var nodeID: Int32 = 0
    public var host: String = ""
    public var port: Int32 = 0
    public var rack: String?

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&nodeID)
        try coder.string(&host)
        try coder.int32(&port)
        try coder.nullableString(&rack)
        try coder.tags()
    }
}
