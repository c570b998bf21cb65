/// A received record that could not be handled, as it stands in the subscription's database.
///
/// While a record is parked, later ones of its key in its partition are parked behind it, so that nothing overtakes;
/// everything else flows on. ``Store/retryDeadLetter(_:in:)`` has the handlers try again, ``Store/skipDeadLetter(_:note:in:)``
/// gives it up; either way what stands behind it follows, in order.
public struct DeadLetter: Hashable, Sendable {
    /// By which it is named. Numbers rise in the order in which records are parked.
    public var number: Int64

    /// The record, where it came from, why it is here and how often it was tried.
    public var record: ParkedRecord

    /// When it was parked, the last time.
    public var parkedAt: Timestamp

    /// True while it waits for the subscription to try it again.
    public var isRetrying: Bool

    /// A dead letter as a store keeps it.
    public init(number: Int64, record: ParkedRecord, parkedAt: Timestamp, isRetrying: Bool) {
        self.number = number
        self.record = record
        self.parkedAt = parkedAt
        self.isRetrying = isRetrying
    }

    /// True when nothing is known against the record itself, but an earlier one of its key is parked.
    public var isBehind: Bool { record.attempts == 0 && !isRetrying }
}

/// A dead letter that somebody gave up.
public struct SkippedDeadLetter: Hashable, Sendable {
    /// The letter as it was parked.
    public var letter: DeadLetter

    /// When it was given up.
    public var skippedAt: Timestamp

    /// Who and why, in the words of whoever did it.
    public var note: String

    /// A trace as a store keeps it.
    public init(letter: DeadLetter, skippedAt: Timestamp, note: String) {
        self.letter = letter
        self.skippedAt = skippedAt
        self.note = note
    }
}

/// Which dead letters are meant.
public enum DeadLetterSelection: Hashable, Sendable {
    /// Those after a number, of one group or of all (nil), at most so many; the next page begins after the last one's
    /// number.
    case page(after: Int64, limit: Int, group: String? = nil)

    /// As a page, without those that only stand behind another.
    case causes(after: Int64, limit: Int, group: String? = nil)

    /// The one of that number.
    case letter(Int64)

    /// The first of a key in a partition of a group, at most so many, in the order of their offsets.
    case key([UInt8], of: GroupPartition, limit: Int)

    /// Those of a partition of a group that are to be tried again, at most so many, in the order of their offsets.
    case retrying(of: GroupPartition, limit: Int)
}

/// How many records of a group are parked in a partition.
public struct DeadLetterCount: Hashable, Sendable {
    /// Those that do not only stand behind another: one for each key that is held up, and each without a key.
    public var causes: Int

    /// How many of these wait to be tried again.
    public var retrying: Int

    /// What a store counts.
    public init(causes: Int, retrying: Int) {
        self.causes = causes
        self.retrying = retrying
    }
}
