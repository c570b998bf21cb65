/// A received record that could not be handled, kept whole so that it is never lost.
public struct ParkedRecord: Hashable, Sendable {
    /// Whose record it is and where it came from.
    public var place: GroupPartition

    /// Its place in the partition.
    public var offset: Int64

    /// The record's own time.
    public var timestamp: Timestamp?

    /// The record's key; later records with the same one are parked behind it.
    public var key: [UInt8]?

    /// All its headers in order.
    public var headers: [EventHeader]

    /// The record's value.
    public var value: [UInt8]?

    /// Why, in words for whoever has to decide what to do.
    public var reason: String

    /// How often it was tried; 0 for one that only stands behind an earlier record of its key.
    public var attempts: Int

    /// A record to be parked.
    public init(
        place: GroupPartition, offset: Int64, timestamp: Timestamp?, key: [UInt8]?, headers: [EventHeader],
        value: [UInt8]?,
        reason: String, attempts: Int
    ) {
        self.place = place
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.headers = headers
        self.value = value
        self.reason = reason
        self.attempts = attempts
    }
}
