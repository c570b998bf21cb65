import NIOCore

extension RecordBatchHeader {
    /// Reads the header at `index` (by default where reading goes on) without moving any index.
    ///
    /// - Throws: ``ProtocolError``: `truncated` when fewer than 61 bytes are there (17 suffice to see that the magic is
    ///   not 2: `unsupportedMagic`), `malformed` for a length that cannot hold a header or a negative delta or count.
    ///   Whether all records are there, and the checksum, are questions of their own: see ``isComplete(in:at:)`` and
    ///   ``isChecksumValid(in:at:)``.
    public init(parsing buffer: ByteBuffer, at index: Int? = nil) throws(ProtocolError) {
        let start = index ?? buffer.readerIndex
        let available = buffer.writerIndex - start
        guard start >= buffer.readerIndex, available > 0 else { throw .endsWithin("a record batch header") }
        self = try buffer.withUnsafeReadableBytes { (all: UnsafeRawBufferPointer) -> Result<Self, ProtocolError> in
            let offset = start - buffer.readerIndex
            return Result { () throws(ProtocolError) in
                try RecordBatchHeader(parsing: UnsafeRawBufferPointer(rebasing: all[offset...]))
            }
        }.get()
    }

    /// As ``init(parsing:at:)``, from the first bytes of memory that need not be aligned.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        func read<T: FixedWidthInteger>(_ offset: Int, as type: T.Type = T.self) -> T {
            T(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        guard bytes.count >= 17 else { throw .endsWithin("a record batch header") }
        let magic: Int8 = read(16)
        guard magic == 2 else { throw ProtocolError(.unsupportedMagic, "a record batch of magic \(magic)") }
        guard bytes.count >= Self.size else { throw .endsWithin("a record batch header") }
        self.init(
            baseOffset: read(0), batchLength: read(8), partitionLeaderEpoch: read(12), crc: read(Self.crcOffset),
            attributes: RecordBatchAttributes(rawValue: read(Self.attributesOffset)), lastOffsetDelta: read(23),
            baseTimestamp: read(27), maxTimestamp: read(35), producerID: read(43), producerEpoch: read(51),
            baseSequence: read(53), recordCount: read(57))
        guard Int(batchLength) >= Self.size - Self.logOverhead else {
            throw ProtocolError(.malformed, "a record batch of length \(batchLength)")
        }
        guard lastOffsetDelta >= 0, recordCount >= 0 else {
            throw ProtocolError(.malformed, "a record batch of \(recordCount) records, last delta \(lastOffsetDelta)")
        }
    }

    /// Appends the 61 bytes as they are; the caller has set `batchLength` and `crc`.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(baseOffset, batchLength, partitionLeaderEpoch, magic, crc, attributes.rawValue)
        buffer.writeMultipleIntegers(lastOffsetDelta, baseTimestamp, maxTimestamp)
        buffer.writeMultipleIntegers(producerID, producerEpoch, baseSequence, recordCount)
    }

    /// Whether the bytes of the whole batch are in `buffer`.
    public func isComplete(in buffer: ByteBuffer, at index: Int? = nil) -> Bool {
        buffer.writerIndex - (index ?? buffer.readerIndex) >= totalSize
    }

    /// Whether the checksum of the batch at `index` is right; `false` also when the batch is not all there.
    public func isChecksumValid(in buffer: ByteBuffer, at index: Int? = nil) -> Bool {
        let start = index ?? buffer.readerIndex
        guard start >= buffer.readerIndex, isComplete(in: buffer, at: start) else { return false }
        return Self.checksum(of: buffer, at: start, size: totalSize) == crc
    }

    /// As ``isChecksumValid(in:at:)``, for memory that begins with the batch.
    public func isChecksumValid(in bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= totalSize else { return false }
        return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[Self.attributesOffset..<totalSize])) == crc
    }

    /// The checksum of `size` bytes of a batch that are known to be there.
    static func checksum(of buffer: ByteBuffer, at index: Int, size: Int) -> UInt32 {
        buffer.withUnsafeReadableBytes { all in
            let start = index - buffer.readerIndex
            return CRC32C.checksum(
                UnsafeRawBufferPointer(rebasing: all[start + attributesOffset..<start + size]))
        }
    }

    // MARK: In place

    /// Gives the batch at `index` its offset. The checksum does not cover it.
    public static func setBaseOffset(_ offset: Int64, in buffer: inout ByteBuffer, at index: Int) {
        buffer.setInteger(offset, at: index)
    }

    /// Gives the batch at `index` its leader epoch. The checksum does not cover it.
    public static func setPartitionLeaderEpoch(_ epoch: Int32, in buffer: inout ByteBuffer, at index: Int) {
        buffer.setInteger(epoch, at: index + logOverhead)
    }

    /// Gives all records of the batch at `index` the broker's time, in milliseconds; computes the checksum anew.
    public static func setLogAppendTime(
        _ time: Int64, in buffer: inout ByteBuffer, at index: Int
    ) throws(ProtocolError) {
        var header = try RecordBatchHeader(parsing: buffer, at: index)
        guard header.isComplete(in: buffer, at: index) else { throw .endsWithin("a record batch") }
        header.attributes.insert(.logAppendTime)
        buffer.setInteger(header.attributes.rawValue, at: index + attributesOffset)
        buffer.setInteger(time, at: index + 35)
        buffer.setInteger(
            checksum(of: buffer, at: index, size: header.totalSize), at: index + crcOffset)
    }
}
