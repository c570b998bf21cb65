import NIOCore

/// One record of a batch. Key, value and header values are slices of the batch's (decompressed) bytes.
public struct Record: Equatable, Sendable {
    public var offset: Int64
    /// Milliseconds since 1970; -1 when there is none.
    public var timestamp: Int64
    public var key: ByteBuffer?
    /// `nil` is a tombstone.
    public var value: ByteBuffer?
    public var headers: [RecordHeader]

    public init(
        offset: Int64 = 0, timestamp: Int64 = -1, key: ByteBuffer? = nil, value: ByteBuffer? = nil,
        headers: [RecordHeader] = []
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

/// A header of a record; keys may repeat.
public struct RecordHeader: Equatable, Sendable {
    public var key: String
    public var value: ByteBuffer?

    public init(_ key: String, _ value: ByteBuffer?) {
        self.key = key
        self.value = value
    }
}
