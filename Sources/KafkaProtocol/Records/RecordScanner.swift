/// Walks over the uncompressed records of a batch without taking copies: where each begins and ends, its key, and whether
/// it is a tombstone. For compaction, which looks at every record twice and copies most of them as they are.
///
///     body.withUnsafeReadableBytes { bytes in
///         var scanner = RecordScanner(bytes, count: header.recordCount)
///         while let record = try scanner.next() { … bytes[record.key ?? 0..<0] … }
///     }
///
/// What it hands out is valid as long as the memory it was given. Headers are not looked at.
public struct RecordScanner {
    /// Where a record is, in indexes of the scanned bytes.
    public struct Glance {
        /// The whole record with its length.
        public var range: Range<Int>
        /// Where the offset delta begins: behind length, attributes and timestamp delta.
        public var bodyStart: Int
        public var timestampDelta: Int64
        public var offsetDelta: Int32
        /// `nil` when the record has no key.
        public var key: Range<Int>?
        /// Whether it has no value.
        public var isTombstone: Bool
    }

    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private var left: Int32

    /// - Parameter count: how many records there are, as the batch's header says.
    public init(_ bytes: UnsafeRawBufferPointer, count: Int32) {
        self.bytes = bytes
        left = count
    }

    /// The next record, or `nil` after the last.
    ///
    /// - Throws: ``ProtocolError`` where there is no record, or bytes follow after the last one.
    public mutating func next() throws(ProtocolError) -> Glance? {
        guard left > 0 else {
            guard index == bytes.count else {
                throw ProtocolError(.malformed, "\(bytes.count - index) bytes after the last record")
            }
            return nil
        }
        left -= 1
        let start = index
        let length = try varint()
        guard length >= 1, length <= bytes.count - index else { throw .endsWithin("a record") }
        let end = index + Int(length)
        index += 1
        let timestampDelta = try varlong()
        let bodyStart = index
        let offsetDelta = try varint()
        let key = try field(before: end)
        let value = try field(before: end)
        guard index < end else { throw .endsWithin("a record") }
        index = end
        return Glance(
            range: start..<end, bodyStart: bodyStart, timestampDelta: timestampDelta,
            offsetDelta: Int32(truncatingIfNeeded: offsetDelta), key: key, isTombstone: value == nil)
    }

    /// The bytes of a key or value; `nil` for null.
    @inline(__always)
    private mutating func field(before end: Int) throws(ProtocolError) -> Range<Int>? {
        let length = try varint()
        if length == -1 { return nil }
        guard length >= 0, length <= end - index else { throw .endsWithin("a record") }
        let range = index..<index + Int(length)
        index = range.upperBound
        return range
    }

    @inline(__always)
    private mutating func varint() throws(ProtocolError) -> Int64 {
        let value = try varlong()
        guard Int64(Int32.min)...Int64(Int32.max) ~= value else {
            throw ProtocolError(.malformed, "a varint beyond 32 bits")
        }
        return value
    }

    @inline(__always)
    private mutating func varlong() throws(ProtocolError) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 70 {
            guard index < bytes.count else { throw .endsWithin("a varlong") }
            let byte = bytes[index]
            index += 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
            shift += 7
        }
        throw ProtocolError(.malformed, "a varlong beyond 64 bits")
    }
}
