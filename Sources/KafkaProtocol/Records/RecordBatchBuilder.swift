import NIOCore

/// Makes a record batch (magic 2) in any codec, for the broker's own logs, for compaction and for tests.
///
///     var builder = RecordBatchBuilder(compression: .zstd)
///     builder.append(timestamp: now, key: ByteBuffer(string: "a"), value: ByteBuffer(string: "1"))
///     let batch = try builder.build()
///
/// Not for the produce path, where batches stay as the client made them.
public struct RecordBatchBuilder: Sendable {
    /// What the batch will say of itself. `batchLength`, `crc`, `lastOffsetDelta`, `recordCount` and the timestamps are
    /// computed by ``build()``, `lastOffsetDelta` only upwards: compaction sets it to keep the batch's last offset.
    public var header: RecordBatchHeader
    private let compression: Compression
    private var records = ByteBuffer()
    /// What the records' timestamps are told relative to: the delete horizon, otherwise the first timestamp.
    private var baseTimestamp: Int64?

    /// - Parameters:
    ///   - baseOffset: the offset of the first record; a broker overwrites what a client says.
    ///   - producerID: with epoch and sequence, of an idempotent producer.
    ///   - deleteHorizon: the time in milliseconds from which compaction may remove the batch's tombstones (KIP-534).
    public init(
        compression: Compression = .none, baseOffset: Int64 = 0, partitionLeaderEpoch: Int32 = -1,
        timestampType: TimestampType = .createTime, producerID: Int64 = -1, producerEpoch: Int16 = -1,
        baseSequence: Int32 = -1, isTransactional: Bool = false, isControl: Bool = false,
        deleteHorizon: Int64? = nil
    ) {
        self.compression = compression
        header = RecordBatchHeader(
            baseOffset: baseOffset, partitionLeaderEpoch: partitionLeaderEpoch,
            attributes: RecordBatchAttributes(
                compression: compression, timestampType: timestampType, isTransactional: isTransactional,
                isControl: isControl),
            producerID: producerID, producerEpoch: producerEpoch, baseSequence: baseSequence)
        if let deleteHorizon {
            header.attributes.insert(.deleteHorizon)
            baseTimestamp = deleteHorizon
        }
    }

    /// Records appended so far.
    public var count: Int { Int(header.recordCount) }
    public var isEmpty: Bool { header.recordCount == 0 }
    /// Bytes the batch would take without compression.
    public var uncompressedSize: Int { RecordBatchHeader.size + records.readableBytes }

    /// Appends a record at the next offset.
    public mutating func append(
        timestamp: Int64, key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader] = []
    ) {
        let delta = isEmpty ? 0 : header.lastOffsetDelta + 1
        append(delta: delta, timestamp: timestamp, key: key, value: value, headers: headers)
    }

    /// Appends a record at its own offset, which must lie above those before it; gaps are allowed.
    ///
    /// - Throws: ``ProtocolError`` when the offset lies below the next one, or 2^31 or more above the base offset.
    public mutating func append(_ record: Record) throws(ProtocolError) {
        let (difference, overflow) = record.offset.subtractingReportingOverflow(header.baseOffset)
        let least: Int32 = isEmpty ? 0 : header.lastOffsetDelta + 1
        guard !overflow, let delta = Int32(exactly: difference), delta >= least else {
            throw ProtocolError(.notRepresentable, "offset \(record.offset) in a batch from \(header.baseOffset)")
        }
        append(
            delta: delta, timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
    }

    private mutating func append(
        delta: Int32, timestamp: Int64, key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader]
    ) {
        let base = baseTimestamp ?? timestamp
        baseTimestamp = base
        header.maxTimestamp = isEmpty ? timestamp : max(header.maxTimestamp, timestamp)
        header.lastOffsetDelta = delta
        header.recordCount += 1

        let timestampDelta = timestamp &- base
        var size = 1 + varintSize(timestampDelta) + varintSize(delta) + varintSize(headers.count)
        size += Self.size(of: key) + Self.size(of: value)
        for header in headers {
            size += varintSize(header.key.utf8.count) + header.key.utf8.count + Self.size(of: header.value)
        }
        records.writeVarint(Int32(clamping: size))
        records.writeInteger(Int8(0))
        records.writeVarlong(timestampDelta)
        records.writeVarint(delta)
        writeBytes(key)
        writeBytes(value)
        records.writeVarint(Int32(clamping: headers.count))
        for header in headers {
            records.writeVarint(Int32(clamping: header.key.utf8.count))
            records.writeString(header.key)
            writeBytes(header.value)
        }
    }

    private static func size(of bytes: ByteBuffer?) -> Int {
        guard let bytes else { return 1 }
        return varintSize(bytes.readableBytes) + bytes.readableBytes
    }

    private mutating func writeBytes(_ bytes: ByteBuffer?) {
        guard let bytes else { return records.writeVarint(-1) }
        records.writeVarint(Int32(clamping: bytes.readableBytes))
        records.writeImmutableBuffer(bytes)
    }

    /// The finished batch. Without records it is a bare header, as compaction leaves it to keep a producer's sequence.
    ///
    /// - Throws: ``ProtocolError`` when it would pass 2 GiB or the codec's library fails.
    public func build() throws(ProtocolError) -> ByteBuffer {
        let payload = isEmpty ? records : try compression.compress(records)
        var header = header
        if isEmpty { header.attributes.rawValue &= ~0x07 }
        guard
            let length = Int32(exactly: payload.readableBytes + RecordBatchHeader.size - RecordBatchHeader.logOverhead),
            records.readableBytes <= Int32.max
        else {
            throw ProtocolError(.notRepresentable, "a record batch of \(payload.readableBytes) bytes")
        }
        header.batchLength = length
        header.baseTimestamp = baseTimestamp ?? header.baseTimestamp
        var batch = ByteBuffer()
        batch.reserveCapacity(RecordBatchHeader.size + payload.readableBytes)
        header.encode(into: &batch)
        batch.writeImmutableBuffer(payload)
        let crc = RecordBatchHeader.checksum(of: batch, at: 0, size: batch.readableBytes)
        batch.setInteger(crc, at: RecordBatchHeader.crcOffset)
        return batch
    }
}
