/// A received record that could not be handled, kept whole so that it is never lost.
public struct ParkedRecord: Hashable, Sendable {
    public var place: GroupPartition
    public var offset: Int64
    public var timestamp: Timestamp?
    public var key: [UInt8]?
    public var headers: [EventHeader]
    public var value: [UInt8]?

    /// Why, in words for whoever has to decide what to do.
    public var reason: String

    /// How often it was tried; 0 for one that only stands behind an earlier record of its key.
    public var attempts: Int

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
