/// A record in the outbox.
public struct OutboxEntry: Hashable, Sendable {
    /// Its place: rises in commit order (within a key at least); there may be gaps.
    public var sequence: Int64

    /// The event in its envelope.
    public var record: EventRecord

    /// When it was appended, by the database's clock or the writer's.
    public var appendedAt: Timestamp

    /// True when an earlier event of this topic and key is parked, so that this one must not overtake it.
    public var isBehindParked: Bool

    /// An entry as a store reads it.
    public init(sequence: Int64, record: EventRecord, appendedAt: Timestamp, isBehindParked: Bool) {
        self.sequence = sequence
        self.record = record
        self.appendedAt = appendedAt
        self.isBehindParked = isBehindParked
    }
}

/// How much a relay takes from the outbox at once.
public struct ClaimRequest: Hashable, Sendable {
    /// At most so many entries.
    public var maximumCount: Int

    /// At most so many bytes of records, but always one entry.
    public var maximumBytes: Int

    /// A claim within these limits.
    public init(maximumCount: Int, maximumBytes: Int) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }
}

/// An entry that cannot go, and why.
public struct OutboxParking: Hashable, Sendable {
    /// The entry's place in the outbox.
    public var sequence: Int64

    /// Why it cannot go, in words for whoever has to decide what to do.
    public var reason: String

    /// Parks the entry of that place.
    public init(sequence: Int64, reason: String) {
        self.sequence = sequence
        self.reason = reason
    }
}

/// How an outbox stands.
public struct OutboxStatus: Hashable, Sendable {
    /// Entries that wait to be sent.
    public var pending: Int

    /// Entries that cannot go.
    public var parked: Int

    /// When the oldest waiting entry was appended; nil when none waits.
    public var oldestPending: Timestamp?

    /// An outbox's state as a store counts it.
    public init(pending: Int, parked: Int, oldestPending: Timestamp?) {
        self.pending = pending
        self.parked = parked
        self.oldestPending = oldestPending
    }
}
