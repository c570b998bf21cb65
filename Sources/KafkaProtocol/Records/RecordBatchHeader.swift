import NIOCore

/// The 61 bytes before the records of a batch (magic 2), without looking at the records.
///
///      0 baseOffset        int64  offset of the first record; given by the broker
///      8 batchLength       int32  bytes after this field
///     12 leaderEpoch       int32  given by the broker
///     16 magic             int8   2
///     17 crc               uint32 CRC-32C of everything from attributes to the end
///     21 attributes        int16  bits 0-2 compression, 3 timestamp type, 4 transactional, 5 control, 6 delete horizon
///     23 lastOffsetDelta   int32
///     27 baseTimestamp     int64  milliseconds; the delete horizon when bit 6 is set
///     35 maxTimestamp      int64  milliseconds
///     43 producerID        int64  -1 when not idempotent
///     51 producerEpoch     int16
///     53 baseSequence      int32
///     57 recordCount       int32
///     61 records
///
/// The first four fields are outside the checksum, so a broker assigns offset and epoch in place without touching it.
/// Source: Kafka's documentation, "Record Batch" (KIP-98), and KIP-534 for the delete horizon.
public struct RecordBatchHeader: Hashable, Sendable {
    /// Bytes of a header.
    public static let size = 61
    /// Bytes that `batchLength` does not count.
    public static let logOverhead = 12
    static let crcOffset = 17
    static let attributesOffset = 21

    public var baseOffset: Int64
    public var batchLength: Int32
    public var partitionLeaderEpoch: Int32
    public var magic: Int8
    public var crc: UInt32
    public var attributes: RecordBatchAttributes
    public var lastOffsetDelta: Int32
    public var baseTimestamp: Int64
    public var maxTimestamp: Int64
    public var producerID: Int64
    public var producerEpoch: Int16
    public var baseSequence: Int32
    public var recordCount: Int32

    public init(
        baseOffset: Int64 = 0, batchLength: Int32 = Int32(size - logOverhead), partitionLeaderEpoch: Int32 = -1,
        crc: UInt32 = 0, attributes: RecordBatchAttributes = [], lastOffsetDelta: Int32 = 0, baseTimestamp: Int64 = -1,
        maxTimestamp: Int64 = -1, producerID: Int64 = -1, producerEpoch: Int16 = -1, baseSequence: Int32 = -1,
        recordCount: Int32 = 0
    ) {
        self.baseOffset = baseOffset
        self.batchLength = batchLength
        self.partitionLeaderEpoch = partitionLeaderEpoch
        self.magic = 2
        self.crc = crc
        self.attributes = attributes
        self.lastOffsetDelta = lastOffsetDelta
        self.baseTimestamp = baseTimestamp
        self.maxTimestamp = maxTimestamp
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.baseSequence = baseSequence
        self.recordCount = recordCount
    }

    /// Offset of the last record, also where compaction has removed it.
    public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }
    /// The offset after the batch.
    public var nextOffset: Int64 { lastOffset &+ 1 }
    /// Bytes of the whole batch.
    public var totalSize: Int { Int(batchLength) + Self.logOverhead }
    /// Sequence of the last record, which wraps from 2^31-1 to 0; -1 when the producer is not idempotent.
    public var lastSequence: Int32 {
        guard baseSequence >= 0 else { return -1 }
        return Int32(truncatingIfNeeded: (Int64(baseSequence) + Int64(lastOffsetDelta)) & 0x7FFF_FFFF)
    }
    public var hasProducerID: Bool { producerID >= 0 }
    public var compression: Compression? { attributes.compression }
    public var timestampType: TimestampType { attributes.timestampType }
    public var isTransactional: Bool { attributes.contains(.transactional) }
    public var isControl: Bool { attributes.contains(.control) }
    public var hasDeleteHorizon: Bool { attributes.contains(.deleteHorizon) }
}

/// What the record timestamps of a batch mean.
public enum TimestampType: Int8, Hashable, Sendable {
    /// Each record has the time its producer gave it.
    case createTime = 0
    /// All records have the time at which the broker appended them: the batch's maximum timestamp.
    case logAppendTime = 1
}

/// The attribute bits of a record batch.
public struct RecordBatchAttributes: OptionSet, Hashable, Sendable {
    public var rawValue: Int16

    public init(rawValue: Int16) { self.rawValue = rawValue }

    public static let logAppendTime = RecordBatchAttributes(rawValue: 1 << 3)
    public static let transactional = RecordBatchAttributes(rawValue: 1 << 4)
    public static let control = RecordBatchAttributes(rawValue: 1 << 5)
    /// `baseTimestamp` is the time from which tombstones of this batch may be removed.
    public static let deleteHorizon = RecordBatchAttributes(rawValue: 1 << 6)

    /// `nil` for the three numbers that Kafka has not given a meaning.
    public var compression: Compression? { Compression(rawValue: Int8(rawValue & 0x07)) }

    public var timestampType: TimestampType { contains(.logAppendTime) ? .logAppendTime : .createTime }

    public init(
        compression: Compression, timestampType: TimestampType = .createTime, isTransactional: Bool = false,
        isControl: Bool = false
    ) {
        self.init(rawValue: Int16(compression.rawValue))
        if timestampType == .logAppendTime { insert(.logAppendTime) }
        if isTransactional { insert(.transactional) }
        if isControl { insert(.control) }
    }
}
