/// Deletes all records before an offset; -1 stands for the high watermark.
public struct DeleteRecordsRequest: KafkaRequest {
    public typealias Response = DeleteRecordsResponse
    public static let apiKey = APIKey.deleteRecords
    public static let versions: ClosedRange<Int16> = 0...2

    public var topics: [Topic] = []
    public var timeoutMs: Int32 = 0

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.array(&topics)
        try coder.int32(&timeoutMs)
        try coder.tags()
    }
}

extension DeleteRecordsRequest {
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
        public var offset: Int64 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&offset)
            try coder.tags()
        }
    }
}

/// The new start of each partition.
public struct DeleteRecordsResponse: KafkaResponse {
    public typealias Request = DeleteRecordsRequest

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

extension DeleteRecordsResponse {
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
        public var lowWatermark: Int64 = 0
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&lowWatermark)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }
}
