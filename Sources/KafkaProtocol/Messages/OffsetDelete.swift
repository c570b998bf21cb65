/// Deletes committed offsets of a group, of topics that it is not subscribed to (KIP-496).
public struct OffsetDeleteRequest: KafkaRequest {
    public typealias Response = OffsetDeleteResponse
    public static let apiKey = APIKey.offsetDelete
    public static let versions: ClosedRange<Int16> = 0...0

    public var groupID: String = ""
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID)
        try coder.array(&topics)
    }
}

extension OffsetDeleteRequest {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitions)
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
        }
    }
}

/// What became of each offset.
public struct OffsetDeleteResponse: KafkaResponse {
    public typealias Request = OffsetDeleteRequest

    public var errorCode: ErrorCode = .none
    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.errorCode(&errorCode)
        try coder.int32(&throttleTimeMs)
        try coder.array(&topics)
    }
}

extension OffsetDeleteResponse {
    public struct Topic: KafkaStructure {
        public var name: String = ""
        public var partitions: [Partition] = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&partitions)
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.errorCode(&errorCode)
        }
    }
}
