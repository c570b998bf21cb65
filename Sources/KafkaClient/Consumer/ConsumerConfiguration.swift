/// How a ``Consumer`` reads.
public struct ConsumerConfiguration: Sendable {
    /// Where reading starts in a partition for which the group has no committed offset, or one that is gone.
    public struct OffsetReset: Hashable, Sendable {
        let property: String
        /// At the first record that is still there.
        public static let earliest = OffsetReset(property: "earliest")
        /// After the last record.
        public static let latest = OffsetReset(property: "latest")
        /// Nowhere: the batches end with an error.
        public static let fail = OffsetReset(property: "error")
    }

    /// What is seen of transactions (KIP-98).
    public struct Isolation: Hashable, Sendable {
        let property: String
        /// Only what is committed, and nothing after the first record of a transaction that is still open. Records
        /// sent without a transaction count as committed.
        public static let committed = Isolation(property: "read_committed")
        /// Everything, aborted transactions too.
        public static let uncommitted = Isolation(property: "read_uncommitted")
    }

    /// How a group divides the partitions among its members; all members must name the same.
    public struct Assignor: Hashable, Sendable {
        let property: String
        /// Ranges of partition numbers, the first choice of every Kafka client.
        public static let range = Assignor(property: "range")
        /// In turns.
        public static let roundRobin = Assignor(property: "roundrobin")
        /// Members keep what they have and give up only what moves (KIP-429).
        public static let cooperativeSticky = Assignor(property: "cooperative-sticky")
    }

    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// The consumer group: each record goes to one of its members.
    public var groupID: String
    /// A name of its own for this member (KIP-345): when it restarts within the session timeout it gets its partitions
    /// back at once, and no other member notices. nil makes it a dynamic member, which leaves when it closes.
    public var groupInstanceID: String?
    /// Where reading starts when there is no committed offset.
    public var offsetReset: OffsetReset = .earliest
    /// How the group divides the partitions.
    public var assignor: Assignor = .range
    /// How long a member may be silent before the group gives its partitions to others.
    public var sessionTimeout: Duration = .seconds(10)
    /// How long a batch may be worked on before the group gives the partitions to others.
    public var maximumPollInterval: Duration = .seconds(300)
    /// The most records in a batch.
    public var maximumBatchSize = 1000
    /// How many batches wait for the reader, beside what is prefetched.
    public var maximumReadyBatches = 4
    /// For each partition: with fewer records than this waiting here, more are fetched.
    public var prefetchedMessages = 50_000
    /// For each partition: with fewer bytes than this waiting here, more are fetched.
    public var prefetchedBytes = 16 << 20
    /// How long the broker may hold a fetch when there is nothing to be read.
    public var fetchWait: Duration = .milliseconds(500)
    /// How long ``Consumer/run()`` may take to end: the reader to finish its batch, the hooks to return, the broker to
    /// confirm that the group was left (for which the last quarter of it, at most five seconds, is kept).
    public var shutdownTimeout: Duration = .seconds(30)
    /// A broker that does not answer a request for so long counts as away. It is at least a second more than
    /// ``fetchWait``. librdkafka's threads may outlive ``Consumer/run()`` by as long when a broker went silent.
    public var requestTimeout: Duration = .seconds(30)
    /// Whether records of transactions that are not committed are read.
    public var isolation: Isolation = .committed
    /// Whether a batch tells that it reaches the end of its partition (``ConsumerBatch/reachesEnd``), and one without
    /// records comes when nothing else would tell it.
    public var reportsEnds = false

    /// The defaults, for this cluster and group.
    public init(_ kafka: KafkaConfiguration, groupID: String, groupInstanceID: String? = nil) {
        self.kafka = kafka
        self.groupID = groupID
        self.groupInstanceID = groupInstanceID
    }

    /// librdkafka wants a second more than a fetch may take.
    private var socketTimeout: Duration { max(requestTimeout, max(fetchWait, .zero) + .seconds(1)) }

    var properties: [String: String] {
        var typed = [
            "group.id": groupID,
            "auto.offset.reset": offsetReset.property,
            "partition.assignment.strategy": assignor.property,
            "session.timeout.ms": "\(sessionTimeout.milliseconds)",
            "heartbeat.interval.ms": "\(max(1, min(3000, sessionTimeout.milliseconds / 4)))",
            "max.poll.interval.ms": "\(max(maximumPollInterval, sessionTimeout).milliseconds)",
            "queued.min.messages": "\(prefetchedMessages)",
            "queued.max.messages.kbytes": "\(max(1, prefetchedBytes >> 10))",
            "fetch.wait.max.ms": "\(fetchWait.milliseconds)",
            "fetch.error.backoff.ms": "100",
            "socket.timeout.ms": "\(socketTimeout.milliseconds)",
            "isolation.level": isolation.property,
            // A topic that is made after the subscription is found within seconds instead of minutes.
            "topic.metadata.refresh.interval.ms": "5000",
            "metadata.max.age.ms": "15000",
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "enable.partition.eof": "\(reportsEnds)",
        ]
        typed["group.instance.id"] = groupInstanceID
        return kafka.merged(over: typed)
    }
}
