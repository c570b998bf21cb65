import NIOCore

/// A transaction that was aborted, as far as one partition is concerned: an entry of the transaction index
/// (`.txnindex`), 34 bytes as in Kafka, big endian:
///
///     version           int16   0
///     producerID        int64
///     firstOffset       int64   of its first record here
///     lastOffset        int64   of its marker
///     lastStableOffset  int64   of the partition when the marker was written
///
/// An entry belongs to the segment that holds the marker, entries ascend with it. A segment without aborted transactions
/// has no file. Crash rule: as the other indexes', it is written and synced when the segment is closed; what came after
/// the last snapshot of the producers' states is found again in the log.
public struct AbortedTransaction: Hashable, Sendable {
    public var producerID: Int64
    /// The first record's offset.
    public var firstOffset: Int64
    /// The marker's offset.
    public var lastOffset: Int64
    /// No transaction that ends later than this one begins before.
    public var lastStableOffset: Int64

    public init(producerID: Int64, firstOffset: Int64, lastOffset: Int64, lastStableOffset: Int64) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStableOffset = lastStableOffset
    }
}

extension AbortedTransaction: IndexEntry {
    static let size = 34
    private static let version: Int16 = 0

    init?(from buffer: inout ByteBuffer) {
        guard let fields = buffer.readMultipleIntegers(as: (Int16, Int64, Int64, Int64, Int64).self),
            fields.0 == Self.version, fields.2 >= 0, fields.2 <= fields.3, fields.4 >= 0, fields.4 <= fields.3 + 1
        else { return nil }
        self.init(producerID: fields.1, firstOffset: fields.2, lastOffset: fields.3, lastStableOffset: fields.4)
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(Self.version, producerID, firstOffset, lastOffset, lastStableOffset)
    }
}
