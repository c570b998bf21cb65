import KafkaClient

/// How a ``Subscription`` handles what it receives.
public struct SubscriptionConfiguration: Sendable {
    /// The member's static name in its group (KIP-345): an instance that comes back under it within the session
    /// timeout gets its partitions back without a rebalance. Nil for a dynamic member.
    public var instanceID: String?

    /// A member that is silent for so long is taken for dead, and its partitions go to others.
    public var sessionTimeout: Duration = .seconds(10)

    /// What the topics are to be like: they are made if they are missing, and checked if they are there, before the group is
    /// joined.
    public var declares: [TopicDeclaration] = []

    /// Where reading starts in a partition of which the database has no offset.
    public var firstStart = FirstStart.beginning

    /// What to do when Kafka has deleted records before they were read.
    public var onMissingHistory = MissingHistory.stop

    /// When busy, at most so many events share one transaction.
    public var maximumBatchCount = 500

    /// When busy, as many events share a transaction as it takes about so long to handle.
    public var maximumTransactionTime: Duration = .milliseconds(100)

    /// Into how many lanes each partition is divided by the records' keys: so many transactions go on at the same time
    /// for one partition, and each key keeps its order. Nil is what suits the store: one for SQLite, which has a single
    /// writer, several for PostgreSQL. It may be changed from start to start; what is in the old lanes is finished first.
    public var lanes: Int?

    /// When a partition is given up, at a shutdown too, the transaction in hand is finished, and nothing else begun. What
    /// comes before a transaction (the asynchronous stages) is cancelled after so long.
    public var stopDeadline: Duration = .seconds(10)

    /// A handler that fails with an error that may pass is tried so often, then the record is parked.
    ///
    /// Errors of the database that may pass are tried until they do: nothing could be parked without it.
    public var maximumAttempts = 5

    /// The pace of those attempts.
    public var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))

    /// Where records go that cannot be handled.
    public var deadLetters = DeadLetterDestination.database

    /// How often to look whether somebody wants parked records tried again (`tidings deadletters retry`), and to bring the
    /// metrics of lag and of parked keys up to date.
    public var deadLetterInterval: Duration = .seconds(1)

    /// Whether a handler's error may pass. The database's own errors are asked of the store first.
    public var isRetriable: @Sendable (any Error) -> Bool = { ($0 as? any RetriableError)?.isRetriable ?? false }

    /// How events are read, by their content type; the first also reads records that do not say theirs.
    public var codecs: [any EventCodec] = [JSONCodec()]

    /// How events of older versions are read as newer ones.
    public var versions = EventVersions()

    /// How often the offsets, which are true in the database, are told to Kafka, where tools look for the lag.
    public var offsetCommitInterval: Duration = .milliseconds(500)

    /// The defaults.
    public init() {}
}

/// Where a ``Subscription`` starts in a partition of which its database has no offset.
public enum FirstStart: Hashable, Sendable {
    /// At the first record that is there: a new database knows of nothing yet.
    case beginning

    /// At the offset that Kafka has for the group, if it has one: for a database that takes over from another, whose
    /// effects it has or does without.
    case committed
}

/// What a ``Subscription`` does when Kafka has deleted records (by age or size, or on demand) before it has read them.
///
/// Compaction is no loss, and does not count: what it removes, a later record of the key has made irrelevant.
public enum MissingHistory: Hashable, Sendable {
    /// Stops with ``TidingsError/Code/historyMissing`` before anything more is handled.
    case stop

    /// Goes on with the first record that is left. The loss is logged as an error, and counted in
    /// `tidings_subscription_missing_total`.
    case `continue`
}

/// An error that says whether a later attempt may succeed.
public protocol RetriableError: Error {
    /// True when trying again later may help, without anything being changed.
    var isRetriable: Bool { get }
}

extension TidingsError: RetriableError {}

extension SendFailure: RetriableError {}

extension KafkaError: RetriableError {}
