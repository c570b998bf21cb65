import NIOCore

/// The record that ends a transaction in a partition: the only one of a control batch.
///
///     key     version int16 = 0, type int16: 0 abort, 1 commit
///     value   version int16 = 0, coordinatorEpoch int32
///
/// Source: KIP-98, "Control Messages".
public struct EndTransactionMarker: Hashable, Sendable {
    public var isCommit: Bool
    public var coordinatorEpoch: Int32

    private static let abortType: Int16 = 0
    private static let commitType: Int16 = 1
    /// More than any marker needs, so that a batch that only pretends to be one costs nothing.
    private static let readLimit = 1024

    public init(isCommit: Bool, coordinatorEpoch: Int32 = 0) {
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// Reads the marker of a whole control batch; `nil` when it holds another kind of control record.
    public init?(batch: ByteBuffer) {
        guard var reader = try? RecordBatchReader(batch, decompressionLimit: Self.readLimit),
            let record = try? reader.next(), var key = record.key,
            let (_, type) = key.readMultipleIntegers(as: (Int16, Int16).self),
            type == Self.abortType || type == Self.commitType
        else { return nil }
        isCommit = type == Self.commitType
        var value = record.value ?? ByteBuffer()
        coordinatorEpoch = value.readMultipleIntegers(as: (Int16, Int32).self)?.1 ?? 0
    }

    /// The control batch for a producer's transaction. `timestamp` is milliseconds since 1970.
    public func batch(producerID: Int64, producerEpoch: Int16, timestamp: Int64) throws(ProtocolError) -> ByteBuffer {
        var builder = RecordBatchBuilder(
            producerID: producerID, producerEpoch: producerEpoch, isTransactional: true, isControl: true)
        var key = ByteBuffer()
        key.writeMultipleIntegers(Int16(0), isCommit ? Self.commitType : Self.abortType)
        var value = ByteBuffer()
        value.writeMultipleIntegers(Int16(0), coordinatorEpoch)
        builder.append(timestamp: timestamp, key: key, value: value)
        return try builder.build()
    }
}
