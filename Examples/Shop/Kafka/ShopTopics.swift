import KafkaClient
import Logging
import Synchronization
import Tidings

/// The topics the shop's services talk through, keyed by the order's or the customer's number.
///
/// Whoever starts first makes them, with their five partitions: sending to a topic that is not there might make one with
/// another number of partitions, after which an order's key would lead elsewhere.
final class ShopTopics: Sendable {
    static let partitions = 5

    private let shop: ShopOptions
    private let kafka: KafkaConfiguration
    private let logger: Logger
    private let areThere = Mutex(false)

    /// - Parameter client: the process that asks, by the name Kafka sees.
    init(_ shop: ShopOptions, client: String, logger: Logger) {
        self.shop = shop
        kafka = shop.kafkaConfiguration(client: client)
        self.logger = logger
    }

    /// Makes the topics that are missing. Throws when Kafka cannot be asked.
    func ensure() async throws {
        if areThere.withLock({ $0 }) { return }
        let admin = try Admin(kafka, timeout: .seconds(5), logger: logger)
        // Of an order everything is kept; of a customer the newest. A segment is closed by the first record after five
        // seconds, and cleaned when a tenth of it is worth it: early, so that one who watches sees it.
        let compacted = ["cleanup.policy": "compact", "segment.ms": "5000", "min.cleanable.dirty.ratio": "0.1"]
        let topics = [(shop.topic, [:]), (shop.shipmentTopic, [:]), (shop.customerTopic, compacted)].map {
            TopicSpecification(
                $0, partitions: Int32(Self.partitions),
                replicationFactor: shop.replicationFactor.map { Int16(clamping: $0) }, configuration: $1)
        }
        try await admin.createTopics(topics, ifMissing: true)
        areThere.withLock { $0 = true }
    }

    /// Makes the topics that are missing, trying again for as long as Kafka cannot be asked.
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
