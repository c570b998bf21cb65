/// A topic to be created.
public struct TopicSpecification: Sendable {
    /// Its name.
    public var name: String
    /// How many partitions it gets; nil is the broker's default.
    public var partitions: Int32?
    /// How many brokers keep each partition; nil is the broker's default.
    public var replicationFactor: Int16?
    /// Kafka's topic properties, for instance `cleanup.policy`.
    public var configuration: [String: String]

    /// A topic with the broker's defaults where nothing is said.
    public init(
        _ name: String, partitions: Int32? = nil, replicationFactor: Int16? = nil, configuration: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configuration = configuration
    }
}
