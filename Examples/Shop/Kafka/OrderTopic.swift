import KafkaClient
import Logging
import Synchronization

/// The one topic the shop's services talk through, keyed by the order's number.
///
/// Whoever starts first makes it, with its five partitions: sending to a topic that is not there might make one with
/// another number of partitions, after which an order's key would lead elsewhere.
final class OrderTopic: Sendable {
    static let name = "order"
    static let partitions = 5

    private let kafka: KafkaConfiguration
    private let replicationFactor: Int
    private let logger: Logger
    private let isThere = Mutex(false)

    init(kafka: KafkaConfiguration, replicationFactor: Int, logger: Logger) {
        self.kafka = kafka
        self.replicationFactor = replicationFactor
        self.logger = logger
    }

    /// Makes the topic if it is missing. Throws when Kafka cannot be asked.
    func ensure() async throws {
        if isThere.withLock({ $0 }) { return }
        let admin = try Admin(kafka, timeout: .seconds(5), logger: logger)
        let topic = TopicSpecification(
            Self.name, partitions: Int32(Self.partitions), replicationFactor: Int16(clamping: replicationFactor))
        try await admin.createTopics([topic], ifMissing: true)
        isThere.withLock { $0 = true }
    }

    /// Makes the topic if it is missing, trying again for as long as Kafka cannot be asked.
    func waitUntilThere() async throws {
        while true {
            do {
                return try await ensure()
            } catch let error as KafkaError where error.isRetriable {
                logger.info("waiting for Kafka", metadata: ["error": "\(error)"])
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}
