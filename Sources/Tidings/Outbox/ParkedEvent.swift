/// An event that the relay has set aside because it cannot go, as it stands in the outbox's database.
///
/// While an event is parked, later ones of its topic and key are parked behind it, so that nothing overtakes; everything
/// else flows on. ``Store/retryParked(_:in:)`` lets it try again, ``Store/skipParked(_:note:in:)`` gives it up; either way
/// what stands behind it returns to the outbox with it, in order.
public struct ParkedEvent: Hashable, Sendable {
    /// The number that it had in the outbox, by which it is named.
    public var sequence: Int64

    /// The event in its envelope.
    public var record: EventRecord

    /// When it was appended.
    public var appendedAt: Timestamp

    /// When it was parked.
    public var parkedAt: Timestamp

    /// Why, in words.
    public var reason: String

    /// True when nothing is wrong with the event itself, but an earlier one of its topic and key is parked.
    public var isBehind: Bool

    /// A parked event as a store keeps it.
    public init(
        sequence: Int64, record: EventRecord, appendedAt: Timestamp, parkedAt: Timestamp, reason: String, isBehind: Bool
    ) {
        self.sequence = sequence
        self.record = record
        self.appendedAt = appendedAt
        self.parkedAt = parkedAt
        self.reason = reason
        self.isBehind = isBehind
    }
}

/// A parked event that somebody gave up.
public struct SkippedEvent: Hashable, Sendable {
    /// The event as it was parked.
    public var event: ParkedEvent

    /// When it was given up.
    public var skippedAt: Timestamp

    /// Who and why, in the words of whoever did it.
    public var note: String

    /// A trace as a store keeps it.
    public init(event: ParkedEvent, skippedAt: Timestamp, note: String) {
        self.event = event
        self.skippedAt = skippedAt
        self.note = note
    }
}

/// Which parked events are meant.
public enum ParkedSelection: Hashable, Sendable {
    /// Those after a number, at most so many; the next page begins after the last one's number.
    case page(after: Int64, limit: Int)

    /// As a page, without those that are only parked behind another.
    case causes(after: Int64, limit: Int)

    /// The one of that number.
    case event(Int64)

    /// All of a topic and key.
    case key([UInt8], topic: String)
}
