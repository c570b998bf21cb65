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
