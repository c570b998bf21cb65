import NIOCore

/// The batches of a record set, as produced or fetched, one after the other; none is decompressed or checked.
///
///     var batches = RecordBatches(records)
///     while let batch = try batches.next() { offsets.append(batch.header.lastOffset) }
public struct RecordBatches: Sendable {
    /// One batch: its header, and all its bytes as a slice of the record set.
    public struct Batch: Sendable {
        public let header: RecordBatchHeader
        public let bytes: ByteBuffer
    }

    private var rest: ByteBuffer

    public init(_ records: ByteBuffer) { rest = records }

    /// Bytes not handed out yet: after the end of iteration none, after a throw those from the bad batch on. The last
    /// batch of a fetch may be cut short by its size limit.
    public var remaining: ByteBuffer { rest }

    /// The next batch, or `nil` at the end.
    ///
    /// - Throws: ``ProtocolError``: `truncated` when the batch is not all there, otherwise as
    ///   ``RecordBatchHeader/init(parsing:at:)``.
    public mutating func next() throws(ProtocolError) -> Batch? {
        guard rest.readableBytes > 0 else { return nil }
        let header = try RecordBatchHeader(parsing: rest)
        guard let bytes = rest.readSlice(length: header.totalSize) else { throw .endsWithin("a record batch") }
        return Batch(header: header, bytes: bytes)
    }
}
