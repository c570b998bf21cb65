import KafkaClient

extension Admin {
    /// Creates a topic unless it is there already.
    ///
    /// ```swift
    /// try await admin.create(Topic<OrderPlaced>("order"), partitions: 5)
    /// try await admin.create(prices, partitions: 3, configuration: ["cleanup.policy": "compact"])
    /// ```
    ///
    /// A topic that is there stays as it is: the number of partitions decides where keys go, and is no one's to change
    /// in passing.
    ///
    /// - Parameters:
    ///   - replication: on how many brokers each partition is kept; nil is the broker's default.
    ///   - configuration: the topic's properties by Kafka's names.
    public func create<E: Event>(
        _ topic: Topic<E>, partitions: Int32, replication: Int16? = nil, configuration: [String: String] = [:]
    ) async throws {
        let specification = TopicSpecification(
            topic.name, partitions: partitions, replicationFactor: replication, configuration: configuration)
        try await createTopics([specification], ifMissing: true)
    }
}
