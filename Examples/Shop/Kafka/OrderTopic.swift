import KafkaClient
import Logging
import Synchronization
import Tidings

/// The one topic the shop's services talk through, keyed by the order's number.
///
/// Whoever starts first makes it, with its five partitions: sending to a topic that is not there might make one with
/// another number of partitions, after which an order's key would lead elsewhere.
final class OrderTopic: Sendable {
    static let partitions = 5

    let name: String
    private let kafka: KafkaConfiguration
    private let replicationFactor: Int?
    private let logger: Logger
    private let isThere = Mutex(false)

    /// - Parameter client: the process that asks, by the name Kafka sees.
    init(_ shop: ShopOptions, client: String, logger: Logger) {
        name = shop.topic
        kafka = shop.kafkaConfiguration(client: client)
        replicationFactor = shop.replicationFactor
        self.logger = logger
    }

    /// Makes the topic if it is missing. Throws when Kafka cannot be asked.
    func ensure() async throws {
        if isThere.withLock({ $0 }) { return }
        let admin = try Admin(kafka, timeout: .seconds(5), logger: logger)
        let topic = TopicSpecification(
            name, partitions: Int32(Self.partitions), replicationFactor: replicationFactor.map { Int16(clamping: $0) })
        try await admin.createTopics([topic], ifMissing: true)
        isThere.withLock { $0 = true }
    }

    /// Makes the topic if it is missing, trying again for as long as Kafka cannot be asked.
    ///
    /// A request waits by itself until a broker is there, up to its time limit; the pause is for a Kafka that answers
    /// "not now" at once, as one does that is just starting.
    func waitUntilThere() async throws {
        let pace = Tidings.Backoff(first: .milliseconds(50), longest: .seconds(2))
        for attempt in 1... {
            do {
                return try await ensure()
            } catch let error as KafkaError where error.isRetriable {
                logger.info("waiting for Kafka", metadata: ["error": "\(error)"])
                try await Task.sleep(for: pace.delay(after: attempt))
            }
        }
    }
}
