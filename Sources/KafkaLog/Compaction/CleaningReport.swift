/// What one cleaning of a partition's log did.
public struct CleaningReport: Hashable, Sendable, CustomStringConvertible {
    /// What went and what stayed, counted in records; a transaction's marker counts as one.
    public struct Counts: Hashable, Sendable {
        public var recordsBefore: Int64 = 0
        public var recordsAfter: Int64 = 0
        /// Tombstones whose time was over; other records that went had a successor or were aborted.
        public var tombstonesRemoved: Int64 = 0
        public var abortedRemoved: Int64 = 0
        public var markersRemoved: Int64 = 0

        public init() {}
    }

    /// The partition's directory.
    public var directory: String
    /// The part whose keys were taken into account: what was not cleaned before.
    public var dirtyRange: Range<Int64>
    public var counts = Counts()
    /// How many different keys the dirty part had.
    public var keys = 0
    /// The memory that held them, in bytes.
    public var keyBytes = 0
    /// Sizes in bytes of the segments that were rewritten.
    public var bytesBefore: Int64 = 0
    public var bytesAfter: Int64 = 0
    public var segmentsBefore = 0
    public var segmentsAfter = 0
    /// When it began, by the log's clock, in milliseconds since 1970.
    public var started: Int64
    public var milliseconds: Int64 = 0
    /// Whether the keys did not fit into `log.cleaner.dedupe.buffer.size`, so that another cleaning follows.
    public var isPartial = false

    public var description: String {
        "cleaned \(directory) \(dirtyRange.lowerBound)..<\(dirtyRange.upperBound)\(isPartial ? " (in part)" : ""): "
            + "\(counts.recordsBefore) records to \(counts.recordsAfter), \(bytesBefore) bytes to \(bytesAfter), "
            + "\(segmentsBefore) segments to \(segmentsAfter), \(keys) keys, \(milliseconds) ms"
    }
}
