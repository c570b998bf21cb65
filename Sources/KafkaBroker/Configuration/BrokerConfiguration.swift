/// Everything a broker can be told, under Kafka's own property names where Kafka has one.
///
/// ```swift
/// var configuration = BrokerConfiguration(dataDirectory: "/var/lib/tidings")
/// configuration.listen = HostAndPort(host: "127.0.0.1", port: 0)   // the system picks a free port
/// try configuration.set("num.partitions", to: "8")
/// ```
///
/// Durations are milliseconds and sizes bytes, as the property names say.
public struct BrokerConfiguration: Sendable {
    /// Where topics, groups and metadata live. One broker at a time.
    public var dataDirectory: String
    /// The address to accept connections at. Port 0 takes a free one.
    public var listen = HostAndPort(host: "127.0.0.1", port: 9092)
    /// The address that clients are told to use, when it is not the one listened at.
    public var advertise: HostAndPort?
    /// Accept connections from other machines. There is neither authentication nor encryption: whoever reaches the
    /// port can read, write and delete everything.
    public var allowsRemote = false

    /// `node.id` (or `broker.id`)
    public var nodeID: Int32 = 1
    /// `num.network.threads`
    public var networkThreads = 2
    /// `num.io.threads`: at most so many threads read, write and sync files at a time.
    public var storageThreads = 8
    /// `socket.request.max.bytes`
    public var maxRequestBytes = 100 * 1024 * 1024
    /// `max.connections`
    public var maxConnections = 4096
    /// `connections.max.idle.ms`: a connection on which nothing was asked for so long is closed; 0: never.
    public var maxIdleTime: Int64 = 600_000
    /// `max.in.flight.requests.per.connection`: beyond it the broker stops reading from that connection.
    public var maxInFlightRequests = 64
    /// `queued.max.request.bytes`: request bytes in work per connection beyond which the broker stops reading from it.
    public var maxInFlightBytes = 64 * 1024 * 1024
    /// `queued.max.response.bytes`, a name of our own: bytes of answers per connection, waiting to be sent or promised to
    /// fetches in work, beyond which the broker stops reading from it; fetches get what is left, but at least one batch.
    public var maxAnswerBytes = 128 * 1024 * 1024
    /// `queued.max.bytes`, a name of our own: bytes of requests and answers of all connections together, beyond which none
    /// is read from and fetches get one batch.
    public var maxQueuedBytes = 1024 * 1024 * 1024
    /// `queued.max.wait.ms`, a name of our own: when `queued.max.bytes` are held, the connection that holds the most and has
    /// come to the end of no request or answer for so long is closed.
    public var maxQueuedWait: Int64 = 10_000
    /// `fetch.max.bytes`
    public var maxFetchBytes = 55 * 1024 * 1024

    /// `auto.create.topics.enable`
    public var autoCreateTopics = true
    /// `num.partitions`
    public var defaultPartitions: Int32 = 4
    /// `delete.topic.enable`
    public var deleteTopics = true
    /// `max.partitions`: of one broker, over all topics. Each holds open files and memory.
    public var maxPartitions = 10_000

    /// `group.initial.rebalance.delay.ms`. Kafka's default is 3000; a single node has no herd to wait for.
    public var groupInitialRebalanceDelay: Int64 = 0
    /// `group.min.session.timeout.ms`
    public var groupMinSessionTimeout: Int64 = 6_000
    /// `group.max.session.timeout.ms`
    public var groupMaxSessionTimeout: Int64 = 1_800_000
    /// `group.max.size`
    public var groupMaxSize = Int(Int32.max)
    /// `offset.metadata.max.bytes`
    public var maxOffsetMetadataBytes = 4096
    /// `offsets.retention.minutes`: committed offsets are kept so long after their group has lost its last member.
    public var offsetsRetentionMinutes: Int64 = 10_080
    /// `offsets.retention.check.interval.ms`
    public var offsetsRetentionCheckInterval: Int64 = 600_000

    /// `transaction.max.timeout.ms`
    public var transactionMaxTimeout: Int64 = 900_000
    /// `transactional.id.expiration.ms`
    public var transactionalIDExpiration: Int64 = 604_800_000
    /// `transaction.log.snapshot.bytes`, a name of our own: as `offsets.log.snapshot.bytes`, for transactional ids.
    public var transactionLogSnapshotBytes = 16 * 1024 * 1024

    /// `producer.id.expiration.ms`: an idempotent producer that was silent for so long is forgotten by a partition.
    public var producerIDExpiration: Int64 = 86_400_000
    /// `producer.id.expiration.check.interval.ms`
    public var producerIDExpirationCheckInterval: Int64 = 600_000

    /// `log.retention.check.interval.ms`
    public var retentionCheckInterval: Int64 = 300_000
    /// `log.cleaner.enable`: whether topics with `cleanup.policy=compact` are compacted.
    public var cleanerIsEnabled = true
    /// `log.cleaner.backoff.ms`: how often to look for logs to compact.
    public var cleanerBackoff: Int64 = 15_000
    /// `log.cleaner.dedupe.buffer.size`: the most memory for the keys of one log; 24 bytes a key.
    public var cleanerBufferBytes = 128 * 1024 * 1024
    /// `log.cleaner.io.max.bytes.per.second`: how fast logs are read for compaction, which reads what may have changed
    /// twice and writes what is left.
    public var cleanerBytesPerSecond = Int64.max
    /// `offsets.log.snapshot.bytes`, a name of our own: when this much has been written to the groups' log since it last
    /// began with a snapshot of all groups, it begins anew and what came before is removed.
    public var groupLogSnapshotBytes = 16 * 1024 * 1024

    /// Defaults for topics, by the topic's property name (`retention.ms`); set through the broker's name for it
    /// (`log.retention.ms`).
    public internal(set) var topicDefaults: [String: String] = [:]

    public init(dataDirectory: String) {
        self.dataDirectory = dataDirectory
    }
}
