import NIOCore

/// A batch whose records lie uncompressed in memory, to be looked at and written again without some of them.
///
///     let batch = try OpenedBatch(bytes, decompressionLimit: 16 << 20)
///     var keeps: [Bool] = []
///     try batch.forEach { record, key in keeps.append(isNewest(record, key)) }
///     let smaller = try batch.keeping(keeps, deleteHorizon: nil)
///
/// What is written again keeps base offset, last offset, sequence, producer, codec and the records' own bytes, so that
/// offsets, sequences and headers of what is left are what they were.
public struct OpenedBatch: Sendable {
    public let header: RecordBatchHeader
    private let records: ByteBuffer

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
        records =
            header.recordCount == 0 ? ByteBuffer() : try compression.decompress(payload, limit: decompressionLimit)
        guard Int(header.recordCount) <= records.readableBytes / 7 else {
            throw ProtocolError(.malformed, "\(header.recordCount) records in \(records.readableBytes) bytes")
        }
    }

    /// Calls `body` with every record and its key, which is valid during the call only.
    public func forEach(
        _ body: (RecordScanner.Glance, UnsafeRawBufferPointer?) -> Void
    ) throws(ProtocolError) {
        try scan { (bytes) throws(ProtocolError) in
            var scanner = RecordScanner(bytes, count: header.recordCount)
            while let record = try scanner.next() {
                body(record, record.key.map { UnsafeRawBufferPointer(rebasing: bytes[$0]) })
            }
        }
    }

    /// The batch with those records for which `keeps` holds `true`, in order.
    ///
    /// - Parameter deleteHorizon: the time in milliseconds from which compaction may remove the batch's tombstones, or its
    ///   marker (KIP-534); `nil` leaves what the batch says.
    public func keeping(_ keeps: [Bool], deleteHorizon: Int64?) throws(ProtocolError) -> ByteBuffer {
        var header = header
        let base = deleteHorizon ?? header.baseTimestamp
        var kept = ByteBufferAllocator().buffer(capacity: records.readableBytes + (deleteHorizon == nil ? 0 : 1024))
        var newest: Int64 = -1
        var count: Int32 = 0
        try scan { (bytes) throws(ProtocolError) in
            var scanner = RecordScanner(bytes, count: header.recordCount)
            var number = 0
            while let record = try scanner.next() {
                defer { number += 1 }
                guard number < keeps.count, keeps[number] else { continue }
                count += 1
                let timestamp = header.baseTimestamp &+ record.timestampDelta
                newest = max(newest, timestamp)
                if deleteHorizon == nil {
                    kept.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[record.range]))
                } else {
                    Self.write(record, of: bytes, timestampDelta: timestamp &- base, to: &kept)
                }
            }
        }
        if deleteHorizon != nil { header.attributes.insert(.deleteHorizon) }
        if header.timestampType == .createTime, count > 0 { header.maxTimestamp = newest }
        header.baseTimestamp = base
        header.recordCount = count
        return try Self.batch(header, kept)
    }

    /// A batch without records: what keeps a producer's sequence, or the end of a log, where compaction took everything.
    public static func empty(_ header: RecordBatchHeader) throws(ProtocolError) -> ByteBuffer {
        var header = header
        header.recordCount = 0
        return try batch(header, ByteBuffer())
    }

    private static func write(
        _ record: RecordScanner.Glance, of bytes: UnsafeRawBufferPointer, timestampDelta: Int64,
        to buffer: inout ByteBuffer
    ) {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[record.bodyStart..<record.range.upperBound])
        buffer.writeVarint(Int32(clamping: 1 + varintSize(timestampDelta) + rest.count))
        buffer.writeInteger(Int8(0))
        buffer.writeVarlong(timestampDelta)
        buffer.writeBytes(rest)
    }

    private static func batch(_ header: RecordBatchHeader, _ records: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        var header = header
        if header.recordCount == 0 { header.attributes.rawValue &= ~0x07 }
        let payload = header.recordCount == 0 ? records : try (header.compression ?? .none).compress(records)
        let size = payload.readableBytes + RecordBatchHeader.size
        guard let length = Int32(exactly: size - RecordBatchHeader.logOverhead) else {
            throw ProtocolError(.notRepresentable, "a record batch of \(size) bytes")
        }
        header.batchLength = length
        var batch = ByteBufferAllocator().buffer(capacity: size)
        header.encode(into: &batch)
        batch.writeImmutableBuffer(payload)
        let crc = RecordBatchHeader.checksum(of: batch, at: 0, size: size)
        batch.setInteger(crc, at: RecordBatchHeader.crcOffset)
        return batch
    }

    /// Lends the records' memory to a body that throws the protocol's errors.
    private func scan(_ body: (UnsafeRawBufferPointer) throws(ProtocolError) -> Void) throws(ProtocolError) {
        let failure: ProtocolError? = records.withUnsafeReadableBytes { bytes in
            do throws(ProtocolError) {
                try body(bytes)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
