/// Asks for committed offsets: of one group up to version 7, of several from 8 (KIP-709). Null topics ask for all of them.
public struct OffsetFetchRequest: KafkaRequest {
    public typealias Response = OffsetFetchResponse
    public static let apiKey = APIKey.offsetFetch
    public static let versions: ClosedRange<Int16> = 1...9

    public var groupID: String = ""
    public var topics: [Topic]? = []
    public var groups: [Group] = []
    /// Whether an offset in a pending transaction is an error (`unstableOffsetCommit`, KIP-447).
    public var requireStable: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&groupID, to: 7)
        try coder.nullableArray(&topics, to: 7, nullFrom: 2)
        try coder.array(&groups, from: 8)
        try coder.bool(&requireStable, from: 7)
        try coder.tags()
    }
}

extension OffsetFetchRequest {
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

    public struct Group: KafkaStructure {
        public var groupID: String = ""
        public var memberID: String?
        public var memberEpoch: Int32 = -1
        public var topics: [Topic]? = []

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&groupID)
            try coder.nullableString(&memberID, from: 9)
            try coder.int32(&memberEpoch, from: 9)
            try coder.nullableArray(&topics)
            try coder.tags()
        }
    }
}

/// The committed offsets; -1, without an error, where there is none.
public struct OffsetFetchResponse: KafkaResponse {
    public typealias Request = OffsetFetchRequest

    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var topics: [Topic] = []
    public var errorCode: ErrorCode = .none
    public var groups: [Group] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int32(&throttleTimeMs, from: 3)
        try coder.array(&topics, to: 7)
        try coder.errorCode(&errorCode, from: 2, to: 7)
        try coder.array(&groups, from: 8)
        try coder.tags()
    }
}

extension OffsetFetchResponse {
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

    public struct Group: KafkaStructure {
        public var groupID: String = ""
        public var topics: [Topic] = []
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&groupID)
            try coder.array(&topics)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }

    public struct Partition: KafkaStructure {
        public var partitionIndex: Int32 = 0
        public var committedOffset: Int64 = 0
        public var committedLeaderEpoch: Int32 = -1
        public var metadata: String? = ""
        public var errorCode: ErrorCode = .none

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int32(&partitionIndex)
            try coder.int64(&committedOffset)
            try coder.int32(&committedLeaderEpoch, from: 5)
            try coder.nullableString(&metadata)
            try coder.errorCode(&errorCode)
            try coder.tags()
        }
    }
}
