import NIOCore

/// The records of one batch, one after the other, decompressed within an explicit limit.
///
///     var reader = try RecordBatchReader(batch, decompressionLimit: 16 << 20)
///     while let record = try reader.next() { … }
///
/// The checksum is not looked at: the log did that, see ``RecordBatchHeader/isChecksumValid(in:at:)``.
public struct RecordBatchReader: Sendable {
    public let header: RecordBatchHeader
    private var records: ByteBuffer
    private var left: Int32

    /// - Parameters:
    ///   - batch: bytes that begin with the batch at their reader index; more may follow.
    ///   - decompressionLimit: the most bytes that the records may take when decompressed.
    /// - Throws: ``ProtocolError`` when the batch is not whole, compressed in an unknown way, corrupt or too large.
    public init(_ batch: ByteBuffer, decompressionLimit: Int) throws(ProtocolError) {
        header = try RecordBatchHeader(parsing: batch)
        let length = header.totalSize - RecordBatchHeader.size
        guard let payload = batch.getSlice(at: batch.readerIndex + RecordBatchHeader.size, length: length) else {
            throw .endsWithin("a record batch")
        }
        guard let compression = header.compression else {
            throw ProtocolError(.unsupportedCompression, "compression type \(header.attributes.rawValue & 7)")
        }
        // A batch that compaction has emptied has nothing to decompress.
        records =
            header.recordCount == 0 ? ByteBuffer() : try compression.decompress(payload, limit: decompressionLimit)
        left = header.recordCount
        // A record takes at least seven bytes.
        guard Int(left) <= records.readableBytes / 7 else {
            throw ProtocolError(.malformed, "\(left) records in \(records.readableBytes) bytes")
        }
    }

    /// The next record, or `nil` after the last.
    ///
    /// - Throws: ``ProtocolError`` for a record that its batch does not hold, or bytes after the last one.
    public mutating func next() throws(ProtocolError) -> Record? {
        guard left > 0 else {
            guard records.readableBytes == 0 else {
                throw ProtocolError(.malformed, "\(records.readableBytes) bytes after the last record")
            }
            return nil
        }
        left -= 1
        let length = try records.readVarint()
        guard length >= 0, var body = records.readSlice(length: Int(length)) else { throw .endsWithin("a record") }
        let record = try readRecord(&body)
        guard body.readableBytes == 0 else {
            throw ProtocolError(.malformed, "a record with \(body.readableBytes) bytes too many")
        }
        return record
    }

    private func readRecord(_ body: inout ByteBuffer) throws(ProtocolError) -> Record {
        guard body.readInteger(as: Int8.self) != nil else { throw .endsWithin("a record") }
        let timestampDelta = try body.readVarlong()
        let offsetDelta = try body.readVarint()
        var record = Record(
            offset: header.baseOffset &+ Int64(offsetDelta),
            timestamp: header.timestampType == .logAppendTime
                ? header.maxTimestamp : header.baseTimestamp &+ timestampDelta,
            key: try Self.readBytes(&body), value: try Self.readBytes(&body))
        let count = try body.readVarint()
        // A header takes at least two bytes.
        guard count >= 0, Int(count) <= body.readableBytes / 2 else {
            throw ProtocolError(.malformed, "\(count) headers in \(body.readableBytes) bytes")
        }
        guard count > 0 else { return record }
        record.headers.reserveCapacity(min(Int(count), 64))
        for _ in 0..<count {
            guard let key = try Self.readBytes(&body) else {
                throw ProtocolError(.malformed, "a record header without a key")
            }
            record.headers.append(RecordHeader(String(buffer: key), try Self.readBytes(&body)))
        }
        return record
    }

    private static func readBytes(_ body: inout ByteBuffer) throws(ProtocolError) -> ByteBuffer? {
        let length = try body.readVarint()
        if length == -1 { return nil }
        guard length >= 0, let bytes = body.readSlice(length: Int(length)) else { throw .endsWithin("a record") }
        return bytes
    }
}
