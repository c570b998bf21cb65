/// How an outbox stands.
public struct OutboxStatus: Hashable, Sendable {
    /// Entries that wait to be sent. Where there are very many, a store may estimate.
    public var pending: Int

    /// Entries that cannot go.
    public var parked: Int

    /// When the oldest waiting entry was appended; nil when none waits.
    public var oldestPending: Timestamp?

    /// How many bytes of log the database keeps for the outbox, where the outbox is the database's log.
    public var retainedBytes: Int?

    /// An outbox's state as a store counts it.
    public init(pending: Int, parked: Int, oldestPending: Timestamp?, retainedBytes: Int? = nil) {
        self.pending = pending
        self.parked = parked
        self.oldestPending = oldestPending
        self.retainedBytes = retainedBytes
    }
}

/// A transaction that holds things up: others that append to its keys wait for it, or what was sent cannot be cleaned up
/// while it is open.
public struct OutboxHoldUp: Hashable, Sendable {
    /// For how long the transaction has been open.
    public var age: Duration

    /// How many transactions that append wait for it.
    public var waiting: Int

    /// Whose it is and what it does, in words.
    public var description: String

    /// A transaction as a store sees it.
    public init(age: Duration, waiting: Int, description: String) {
        self.age = age
        self.waiting = waiting
        self.description = description
    }
}
