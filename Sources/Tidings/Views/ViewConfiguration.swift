/// How a ``View`` reads history.
public struct ViewConfiguration: Sendable {
    /// What to do when Kafka no longer has what the view needs next: its log begins behind the snapshot, or ends before
    /// it.
    public enum LostHistory: Hashable, Sendable {
        /// Stops with ``TidingsError/Code/historyMissing`` or ``TidingsError/Code/offsetBeyondLog``: the view would
        /// differ from what it was, and a person should know.
        case fail

        /// Starts anew with what there is, as a new reader does.
        case rebuild
    }

    /// What to do with a record that cannot be decoded as the type it names.
    public enum Unreadable: Hashable, Sendable {
        /// Stops: a view that leaves something out is wrong.
        case fail

        /// Logs an error, counts it in `tidings_view_unreadable_total`, and goes on without it.
        case skip
    }

    /// What the view's topics are to be like: they are made if they are missing, and checked if they are there, before
    /// reading starts. Those that nothing is said about are waited for.
    public var declares: [TopicDeclaration] = []

    /// What to do when Kafka no longer has what comes next.
    public var onLostHistory = LostHistory.fail

    /// What to do with a record that cannot be decoded.
    public var onUnreadable = Unreadable.fail

    /// How often to look whether topics have got more partitions; those are then read from their beginning.
    public var partitionCheckInterval: Duration = .seconds(30)

    /// The most records that are folded at a time; readers of the view wait for so long at most.
    public var maximumBatchCount = 1000

    /// How much is fetched ahead, of all partitions together, while the fold is slower than Kafka. librdkafka, once that
    /// much is there, fetches nothing more for up to a second: so a view folds hardly more than this in a second.
    public var prefetchedBytes = 128 << 20

    /// How events are read, by their content type; the first also reads records that do not say theirs.
    public var codecs: [any EventCodec] = [JSONCodec()]

    /// How events of older versions are read as newer ones.
    public var versions = EventVersions()

    /// The pace of attempts while Kafka cannot be asked.
    public var backoff = Backoff(first: .milliseconds(50), longest: .seconds(5))

    /// The defaults.
    public init() {}
}
