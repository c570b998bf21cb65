/// How a ``Producer`` sends.
///
/// The defaults lose and double nothing while the broker's disk holds: every in-sync replica must have the record
/// (`acks=all`), and a retry is recognised as one (idempotence, KIP-98).
public struct ProducerConfiguration: Sendable {
    /// Who must have a record before it counts as sent.
    public struct Acknowledgements: Hashable, Sendable {
        let property: String
        /// Every in-sync replica.
        public static let all = Acknowledgements(property: "all")
        /// The partition's leader alone; turn idempotence off with it.
        public static let leader = Acknowledgements(property: "1")
        /// Nobody: a record may be lost and no one learns of it; turn idempotence off with it.
        public static let none = Acknowledgements(property: "0")
    }

    /// How batches are compressed.
    public struct Compression: Hashable, Sendable {
        let property: String
        /// As they are.
        public static let none = Compression(property: "none")
        /// Small and slow.
        public static let gzip = Compression(property: "gzip")
        /// Fast, the oldest of the fast ones.
        public static let snappy = Compression(property: "snappy")
        /// The fastest.
        public static let lz4 = Compression(property: "lz4")
        /// Nearly as small as gzip, and much faster.
        public static let zstd = Compression(property: "zstd")
    }

    /// Which partition a record goes to when its message names none.
    public struct Partitioner: Hashable, Sendable {
        let property: String
        /// By murmur2 of the key, as Kafka's Java client does it, so that a key lands in the same partition whoever
        /// sends it; records without a key are spread.
        public static let murmur2 = Partitioner(property: "murmur2_random")
        /// By CRC-32 of the key: librdkafka's own default, which lands keys elsewhere than the Java client.
        public static let crc32 = Partitioner(property: "consistent_random")
        /// Any partition, whatever the key.
        public static let random = Partitioner(property: "random")
    }

    /// How to reach the cluster.
    public var kafka: KafkaConfiguration
    /// Who must have a record before it counts as sent.
    public var acknowledgements: Acknowledgements = .all
    /// The broker recognises a retry by its sequence number, so that no record is doubled or overtaken.
    public var isIdempotent = true
    /// How long a batch may wait for more records to join it.
    public var linger: Duration = .milliseconds(1)
    /// How batches are compressed.
    public var compression: Compression = .none
    /// Which partition a record goes to when its message names none.
    public var partitioner: Partitioner = .murmur2
    /// How long a record may take, retries included, before its sending counts as failed.
    public var deliveryTimeout: Duration = .seconds(120)
    /// How long a topic that the cluster says it does not have may take to be made, before what is sent to it fails with
    /// ``KafkaError/Code/unknownTopic``; once it has failed, at once, until the topic is there.
    public var unknownTopicTimeout: Duration = .seconds(30)
    /// How long ``Producer/run()`` waits at shutdown for the fate of what is under way; the rest is given up.
    public var shutdownTimeout: Duration = .seconds(30)
    /// How many records may be under way; a `send` beyond that waits for deliveries.
    public var maximumQueuedMessages = 100_000
    /// How many bytes may be under way; a `send` beyond that waits for deliveries.
    public var maximumQueuedBytes = 64 << 20

    /// The defaults, for this cluster.
    public init(_ kafka: KafkaConfiguration) {
        self.kafka = kafka
    }

    var properties: [String: String] {
        kafka.merged(over: [
            "acks": acknowledgements.property,
            "enable.idempotence": isIdempotent ? "true" : "false",
            "linger.ms": "\(linger.fractionalMilliseconds)",
            "compression.type": compression.property,
            "partitioner": partitioner.property,
            "delivery.timeout.ms": "\(deliveryTimeout.milliseconds)",
            "topic.metadata.propagation.max.ms": "\(unknownTopicTimeout.milliseconds)",
            "queue.buffering.max.messages": "\(maximumQueuedMessages)",
            "queue.buffering.max.kbytes": "\(max(1, maximumQueuedBytes >> 10))",
        ])
    }
}
