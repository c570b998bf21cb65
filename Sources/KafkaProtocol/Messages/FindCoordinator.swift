/// Asks which broker looks after a consumer group (`keyType` 0) or a transactional id (1). One key up to version 3, several
/// from 4 (KIP-699).
public struct FindCoordinatorRequest: KafkaRequest {
    public typealias Response = FindCoordinatorResponse
    public static let apiKey = APIKey.findCoordinator
    public static let versions: ClosedRange<Int16> = 0...6

    public var key: String = ""
    public var keyType: Int8 = 0
    public var coordinatorKeys: [String] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&key, to: 3)
        try coder.int8(&keyType, from: 1)
        try coder.array(&coordinatorKeys, from: 4)
        try coder.tags()
    }
}

/// The coordinators found.
public struct FindCoordinatorResponse: KafkaResponse {
    public typealias Request = FindCoordinatorRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var errorMessage: String? = ""
    public var nodeID: Int32 = 0
    public var host: String = ""
    public var port: Int32 = 0
    public var coordinators: [Coordinator] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.errorCode(&errorCode, to: 3)
        try coder.nullableString(&errorMessage, from: 1, to: 3)
        try coder.int32(&nodeID, to: 3)
        try coder.string(&host, to: 3)
        try coder.int32(&port, to: 3)
        try coder.array(&coordinators, from: 4)
        try coder.tags()
    }
}

extension FindCoordinatorResponse {
    public struct Coordinator: KafkaStructure {
        public var key: String = ""
        public var nodeID: Int32 = 0
        public var host: String = ""
        public var port: Int32 = 0
        public var errorCode: ErrorCode = .none
        public var errorMessage: String? = ""

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&key)
            try coder.int32(&nodeID)
            try coder.string(&host)
            try coder.int32(&port)
            try coder.errorCode(&errorCode)
            try coder.nullableString(&errorMessage)
            try coder.tags()
        }
    }
}
