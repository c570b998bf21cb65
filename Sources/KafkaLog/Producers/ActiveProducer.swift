/// A producer that a log remembers, for whoever looks.
public struct ActiveProducer: Hashable, Sendable {
    /// Its producer id.
    public var id: Int64
    /// Its newest epoch.
    public var epoch: Int16
    /// The sequence of its last record; -1 when none is remembered.
    public var lastSequence: Int32
    /// The largest timestamp of its last batch, or when the log last heard of it; milliseconds since 1970.
    public var lastTimestamp: Int64
    /// Where its open transaction begins.
    public var transactionStart: Int64?
}
