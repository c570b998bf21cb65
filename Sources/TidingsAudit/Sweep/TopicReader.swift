import KafkaClient
import Logging
import Tidings

/// Reads what readers of committed records see of a topic, from the beginning to its end.
public struct TopicReader: Sendable {
    private let topic: String
    private let kafka: KafkaConfiguration
    private let logger: Logger

    /// A reader of a topic.
    public init(_ topic: String, kafka: KafkaConfiguration, logger: Logger) {
        self.topic = topic
        self.kafka = kafka
        self.logger = logger
    }

    /// The events that are there now, those of a partition in order.
    public func events() async throws -> [Fact] {
        let admin = try Admin(kafka, logger: logger)
        let partitions = try await admin.metadata(topics: [topic]).topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic.name, $0.id) }
        }
        var configuration = ConsumerConfiguration(kafka, groupID: kafka.clientID)
        configuration.reportsEnds = true
        configuration.fetchWait = .milliseconds(50)
        let consumer = try Consumer(
            configuration, partitions: Dictionary(uniqueKeysWithValues: partitions.map { ($0, .beginning) }),
            logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            defer { tasks.cancelAll() }
            var remaining = Set(partitions)
            var facts: [Fact] = []
            for try await batch in consumer.batches {
                facts += batch.compactMap(Self.fact)
                if batch.reachesEnd { remaining.remove(batch.partition) }
                if remaining.isEmpty { break }
            }
            return facts
        }
    }

    private static func fact(_ record: ConsumerRecord) -> Fact? {
        let delivery = Delivery(
            topic: record.topic, partition: record.partition, offset: record.offset, key: record.key,
            value: record.value, headers: record.headers.map { EventHeader($0.name, $0.value) })
        return delivery.eventID.map {
            .eventVisible(
                event: $0, key: delivery.keyText ?? "", partition: record.partition, offset: record.offset)
        }
    }
}
