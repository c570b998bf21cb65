/// A property of the broker: its name, what it means, what it takes, and the field behind it.
struct BrokerProperty: Sendable {
    let name: String
    let type: PropertyType
    let summary: String
    /// Whether it can be altered while the broker runs.
    let isLive: Bool
    let set: @Sendable (inout BrokerConfiguration, PropertyValue) throws -> Void
    let get: @Sendable (BrokerConfiguration) -> String

    private static func integer<Number: FixedWidthInteger & SendableMetatype>(
        _ name: String, _ field: any WritableKeyPath<BrokerConfiguration, Number> & Sendable,
        _ range: ClosedRange<Int64>,
        _ summary: String, isLive: Bool = true
    ) -> BrokerProperty {
        BrokerProperty(
            name: name, type: .integer(range), summary: summary, isLive: isLive,
            set: { $0[keyPath: field] = Number(clamping: try $1.integer(range)) },
            get: { String($0[keyPath: field]) })
    }

    private static func boolean(
        _ name: String, _ field: any WritableKeyPath<BrokerConfiguration, Bool> & Sendable, _ summary: String
    ) -> BrokerProperty {
        BrokerProperty(
            name: name, type: .boolean, summary: summary, isLive: true,
            set: { $0[keyPath: field] = try $1.boolean() },
            get: { String($0[keyPath: field]) })
    }

    /// One replica of everything, on the one node: said so that a configuration made for a cluster is understood or
    /// refused, not ignored.
    private static func one(_ name: String) -> BrokerProperty {
        BrokerProperty(
            name: name, type: .int, summary: "there is one node", isLive: false,
            set: { _ = try $1.integer(1...1) }, get: { _ in "1" })
    }

    private static let int32 = Int64(Int32.max)

    static let all: [BrokerProperty] = [
        boolean("auto.create.topics.enable", \.autoCreateTopics, "make topics when a client asks for them"),
        integer("num.partitions", \.defaultPartitions, 1...10_000, "of a topic made without a number"),
        boolean("delete.topic.enable", \.deleteTopics, "let clients delete topics"),
        integer("max.partitions", \.maxPartitions, 1...1_000_000, "of all topics together"),
        integer("node.id", \.nodeID, 0...int32, "this broker's number", isLive: false),
        one("default.replication.factor"), one("offsets.topic.replication.factor"), one("min.insync.replicas"),
        integer("num.network.threads", \.networkThreads, 1...64, "event loops", isLive: false),
        integer("num.io.threads", \.storageThreads, 1...256, "threads for files, at most", isLive: false),
        integer(
            "socket.request.max.bytes", \.maxRequestBytes, 1024...1_073_741_824, "largest request", isLive: false),
        integer("fetch.max.bytes", \.maxFetchBytes, 1024...1_073_741_824, "largest answer to a fetch"),
        integer("max.connections", \.maxConnections, 1...1_000_000, "at a time"),
        integer("connections.max.idle.ms", \.maxIdleTime, 0...int32, "close a silent one; 0: never"),
        integer(
            "max.in.flight.requests.per.connection", \.maxInFlightRequests, 1...100_000,
            "then reading stops"),
        integer(
            "queued.max.request.bytes", \.maxInFlightBytes, 1024...Int64.max,
            "in work, then reading stops"),
        integer(
            "queued.max.response.bytes", \.maxAnswerBytes, 1024...Int64.max,
            "of answers, then reading stops"),
        integer(
            "queued.max.bytes", \.maxQueuedBytes, 1024...Int64.max, "of all connections, then reading stops"),
        integer(
            "queued.max.wait.ms", \.maxQueuedWait, 1...int32, "when that is reached, then the largest one closes"),
        integer(
            "group.initial.rebalance.delay.ms", \.groupInitialRebalanceDelay, 0...3_600_000,
            "first wait for more members"),
        integer("group.min.session.timeout.ms", \.groupMinSessionTimeout, 1...int32, "shortest session of a member"),
        integer("group.max.session.timeout.ms", \.groupMaxSessionTimeout, 1...int32, "longest session of a member"),
        integer("group.max.size", \.groupMaxSize, 1...int32, "members of a group"),
        integer("offset.metadata.max.bytes", \.maxOffsetMetadataBytes, 0...1_048_576, "note beside a committed offset"),
        integer(
            "offsets.log.snapshot.bytes", \.groupLogSnapshotBytes, 1024...Int64.max,
            "the groups' log begins anew", isLive: false),
        integer(
            "offsets.retention.minutes", \.offsetsRetentionMinutes, 1...int32, "kept when a group has no members"),
        integer(
            "offsets.retention.check.interval.ms", \.offsetsRetentionCheckInterval, 1...int32,
            "how often to look for old offsets"),
        integer("transaction.max.timeout.ms", \.transactionMaxTimeout, 1...int32, "longest transaction"),
        integer(
            "transactional.id.expiration.ms", \.transactionalIDExpiration, 1...Int64.max, "unused, then forgotten"),
        integer(
            "transaction.log.snapshot.bytes", \.transactionLogSnapshotBytes, 1024...Int64.max,
            "the transactions' log begins anew", isLive: false),
        integer(
            "producer.id.expiration.ms", \.producerIDExpiration, 1...int32, "a silent producer's, then forgotten"),
        integer(
            "producer.id.expiration.check.interval.ms", \.producerIDExpirationCheckInterval, 1...int32,
            "how often to look for silent producers"),
        one("transaction.state.log.replication.factor"), one("transaction.state.log.min.isr"),
        integer(
            "log.retention.check.interval.ms", \.retentionCheckInterval, 1...int32, "how often to look for old records"),
        boolean("log.cleaner.enable", \.cleanerIsEnabled, "compact topics that ask for it"),
        integer("log.cleaner.backoff.ms", \.cleanerBackoff, 1...int32, "how often to look for logs to compact"),
        integer(
            "log.cleaner.dedupe.buffer.size", \.cleanerBufferBytes, 1_048_576...Int64.max,
            "memory for a log's keys, 24 bytes each"),
        integer(
            "log.cleaner.io.max.bytes.per.second", \.cleanerBytesPerSecond, 1...Int64.max, "how fast compaction reads"),
        one("log.cleaner.threads"),
    ]

    /// Why the values do not go together: a request has to fit into memory, and a group's session between its bounds.
    static func conflict(in configuration: BrokerConfiguration) -> String? {
        guard configuration.maxQueuedBytes >= configuration.maxRequestBytes else {
            return "queued.max.bytes=\(configuration.maxQueuedBytes) has no room for one request of "
                + "socket.request.max.bytes=\(configuration.maxRequestBytes); raise the one or lower the other"
        }
        guard configuration.groupMinSessionTimeout > configuration.groupMaxSessionTimeout else { return nil }
        return "no session fits between group.min.session.timeout.ms=\(configuration.groupMinSessionTimeout) and "
            + "group.max.session.timeout.ms=\(configuration.groupMaxSessionTimeout); lower the one or raise the other"
    }

    static let byName = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) }
            + [("broker.id", all.first { $0.name == "node.id" })].compactMap {
                name, property in property.map { (name, $0) }
            })
}

/// The text given for a property, and what it can be read as.
struct PropertyValue: Sendable {
    let name: String
    let text: String

    func integer(_ range: ClosedRange<Int64>) throws(BrokerError) -> Int64 {
        guard let value = Int64(text), range.contains(value) else {
            throw BrokerError(
                .invalidConfiguration, "\(name)=\(text): a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    func boolean() throws(BrokerError) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw BrokerError(.invalidConfiguration, "\(name)=\(text): true or false")
        }
    }
}
