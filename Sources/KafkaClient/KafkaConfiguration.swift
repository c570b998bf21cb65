/// How to reach a Kafka cluster: what producers, consumers and admins share.
///
/// ```swift
/// var kafka = KafkaConfiguration(bootstrapServers: ["kafka-1:9093"], clientID: "invoicing")
/// kafka.properties["security.protocol"] = "SASL_SSL"
/// ```
public struct KafkaConfiguration: Sendable {
    /// `host:port` of at least one broker; the rest of the cluster is learned from it.
    public var bootstrapServers: [String]
    /// The name under which brokers see this client in their logs, quotas and group descriptions.
    public var clientID: String
    /// Any property of librdkafka (its `CONFIGURATION.md`), by its name. Wins over every typed one.
    public var properties: [String: String]
    /// Through which connections go in a test that takes Kafka away; nil otherwise.
    public var gate: NetworkGate?

    /// A cluster reached through `bootstrapServers`.
    public init(bootstrapServers: [String], clientID: String = "tidings", properties: [String: String] = [:]) {
        self.bootstrapServers = bootstrapServers
        self.clientID = clientID
        self.properties = properties
    }

    /// A cluster given as one text, `host:port[,host:port…]`, as programs take it on their command line.
    public init(_ bootstrap: String, clientID: String = "tidings", properties: [String: String] = [:]) {
        let servers = bootstrap.split(separator: ",").map { String($0.drop { $0 == " " }) }
        self.init(bootstrapServers: servers, clientID: clientID, properties: properties)
    }

    /// `typed` is what the configuration's own fields say; the properties win over it.
    func merged(over typed: [String: String]) -> [String: String] {
        var all = typed
        all["bootstrap.servers"] = bootstrapServers.joined(separator: ",")
        all["client.id"] = clientID
        // A broker that comes back is found within a second, and one that is away is not asked a thousand times.
        all["reconnect.backoff.ms"] = "50"
        all["reconnect.backoff.max.ms"] = "1000"
        return all.merging(properties) { _, own in own }
    }
}

extension Duration {
    /// Whole milliseconds, for librdkafka's properties.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// Milliseconds with their fraction, as the few properties want them that take one.
    var fractionalMilliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + Double(attoseconds) / 1e15
    }
}
