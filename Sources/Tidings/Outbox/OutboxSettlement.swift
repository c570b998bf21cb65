/// What has become of the entries of some batches, to be written down at once.
///
/// An entry of the batches that is in none of the lists stays in the outbox and has no stamp any more: it is certain
/// that it did not go, and it will be in a later batch.
public struct OutboxSettlement: Sendable {
    /// Which batches are settled. Those with entries in ``kept`` stay open; the others are over.
    public var batches: [OutboxBatch]

    /// Entries that Kafka has.
    public var sent: [OutboxEntry]

    /// Whether what is sent is kept for a while (``OutboxRelayConfiguration/keepSent``) rather than removed.
    public var keepsSent = false

    /// Entries that cannot go.
    public var parked: [OutboxParking]

    /// Entries of which nobody knows whether Kafka has them: they keep their stamps and go again under these.
    public var kept: [OutboxEntry]

    /// A settlement of these batches.
    public init(
        batches: [OutboxBatch], sent: [OutboxEntry] = [], parked: [OutboxParking] = [], kept: [OutboxEntry] = []
    ) {
        self.batches = batches
        self.sent = sent
        self.parked = parked
        self.kept = kept
    }
}

/// An entry that cannot go, and why.
public struct OutboxParking: Hashable, Sendable {
    /// The entry.
    public var entry: OutboxEntry

    /// Why it cannot go, in words for whoever has to decide what to do.
    public var reason: String

    /// True when nothing is wrong with the entry itself, but an earlier one of its topic and key is parked.
    public var isBehind: Bool

    /// Parks the entry.
    public init(entry: OutboxEntry, reason: String, isBehind: Bool = false) {
        self.entry = entry
        self.reason = reason
        self.isBehind = isBehind
    }
}
