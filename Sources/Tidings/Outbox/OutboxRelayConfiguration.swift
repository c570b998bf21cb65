/// How an ``OutboxRelay`` works; the defaults suit one relay beside its service.
public struct OutboxRelayConfiguration: Sendable {
    /// The relay's name. An instance that comes back under its old name takes over at once, without waiting for its
    /// former self's lease to expire. Two living relays must not share one: the elder stops with
    /// ``TidingsError/Code/fenced``.
    public var instanceID: String = EventID().rawValue

    /// A dead relay is replaced after at most so long.
    public var leaseDuration: Duration = .seconds(5)

    /// How often to look without being woken: the net for commits that nobody has told of.
    public var pollInterval: Duration = .seconds(1)

    /// How long events gather before a batch of them leaves that is not full: the one setting from time-sensitive to
    /// throughput.
    ///
    /// With none, the default, an event that comes alone leaves at once, and what comes while a batch is under way makes
    /// the next: the batches grow with the load by themselves. Longer, every event waits so long, and fewer, larger
    /// batches spare processor, database and broker. `tidings compare` shows what it costs and brings.
    public var gathering: Duration = .zero

    /// At most so many events travel in one batch.
    public var maximumBatchCount = 4000

    /// At most so many bytes travel in one batch, but always one event.
    public var maximumBatchBytes = 4 * 1024 * 1024

    /// An event larger than this is parked: Kafka would refuse it (`message.max.bytes`).
    public var maximumRecordBytes = 1_000_000

    /// How long Kafka may refuse a topic, because it is not there or a right is missing, before events of that topic are
    /// parked. Meanwhile other events go at a slower pace, or wait where a whole batch of such events stands before them.
    public var topicPatience: Duration = .seconds(10)

    /// The pace of attempts when Kafka or the database refuses for the moment.
    public var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))

    /// How long a batch in hand may take after shutdown was asked for.
    public var shutdownGrace: Duration = .seconds(5)

    /// How long to keep what is sent, in a table of its own (`tidings_outbox_sent`), for whoever wants to look; nil keeps
    /// nothing.
    public var keepSent: Duration?

    /// When to raise alarms, and who hears of them.
    public var alarms = OutboxAlarms()

    /// The defaults.
    public init() {}
}

extension OutboxRelayConfiguration {
    /// A claim of these batches within the limits.
    func claim(_ batches: [OutboxBatch], underWay: [OutboxEntry] = []) -> ClaimRequest {
        ClaimRequest(
            batches: batches, maximumCount: maximumBatchCount, maximumBytes: maximumBatchBytes, underWay: underWay)
    }
}
