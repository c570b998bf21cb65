/// Asks what the directories of the broker hold (KIP-113); null asks for all topics.
public struct DescribeLogDirsRequest: KafkaRequest {
    public typealias Response = DescribeLogDirsResponse
    public static let apiKey = APIKey.describeLogDirs
    public static let versions: ClosedRange<Int16> = 1...4

    public var topics: [Topic]? = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.nullableArray(&topics)
        try coder.tags()
    }
}

extension DescribeLogDirsRequest {
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

/// What each directory holds, in bytes.
public struct DescribeLogDirsResponse: KafkaResponse {
    public typealias Request = DescribeLogDirsRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var errorCode: ErrorCode = .none
    public var results: [Result] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs)
        try coder.errorCode(&errorCode, from: 3)
        try coder.array(&results)
        try coder.tags()
    }
}

extension DescribeLogDirsResponse {
    public struct Result: KafkaStructure {
        public var errorCode: ErrorCode = .none
        public var logDir: String = ""
        public var topics: [Topic] = []
        /// Size of the volume; -1 when unknown.
        public var totalBytes: Int64 = -1
        /// Free bytes of the volume; -1 when unknown.
        public var usableBytes: Int64 = -1

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.errorCode(&errorCode)
            try coder.string(&logDir)
            try coder.array(&topics)
            try coder.int64(&totalBytes, from: 4)
            try coder.int64(&usableBytes, from: 4)
            try coder.tags()
        }
    }

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
        public var partitionSize: Int64 = 0
        public var offsetLag: Int64 = 0
        public var isFutureKey: Bool = false

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&partitionSize)
            try coder.int64(&offsetLag)
            try coder.bool(&isFutureKey)
            try coder.tags()
        }
    }
}
