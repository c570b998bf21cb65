/// How often an event that a relay publishes may be in Kafka.
public struct OutboxPublishing: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case atLeastOnce, exactlyOnce }

    let kind: Kind

    /// With ``exactlyOnce``: the coordinator ends a transaction that takes longer. For as long a relay that dies, and that
    /// nobody replaces, may hold up readers of committed records.
    public var transactionTimeout: Duration = .seconds(15)

    /// The default. A relay that dies between sending and marking sends the batch again, with the same ids and the same
    /// stamps (``EventStamp``), by which a ``Subscription`` knows it.
    public static let atLeastOnce = OutboxPublishing(kind: .atLeastOnce)

    /// Each batch goes in a Kafka transaction, and the batch's number with it as an offset of the group
    /// `tidings-outbox-<outbox>-<shard>`. After a crash the relay asks Kafka which batch was the last, and sends
    /// none twice: readers of committed records, whatever they are, see each event once.
    ///
    /// It costs some milliseconds a batch. All relays of an outbox must be set to it, and be given the right to write to
    /// transactional ids and groups that begin with `tidings-outbox-`. Kafka forgets an offset after
    /// `offsets.retention.minutes` (seven days): a relay that stays dead for longer than that with a batch in hand sends
    /// this batch again, with the same stamps.
    public static let exactlyOnce = OutboxPublishing(kind: .exactlyOnce)
}
