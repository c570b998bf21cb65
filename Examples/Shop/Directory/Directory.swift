import KafkaClient
import Logging
import Tidings

/// The customers as another service than order's knows them: a view of the compacted topic, without a table of its own.
struct Directory: Sendable {
    private let view: View<[Int: CustomerEntry]>

    /// - Parameter client: the process that keeps it, by the name Kafka sees.
    init(_ shop: ShopOptions, client: String, logger: Logger) {
        view = View(
            shop.group("\(client)-directory"), of: [shop.customerTopic], initial: [:],
            kafka: shop.kafkaConfiguration(client: client), logger: logger)
        view.fold(CustomerChanged.self) { customers, event, _ in customers[event.customer.id] = event.customer }
        view.foldDeletion { customers, delivery in customers[delivery.keyText.flatMap(Int.init) ?? 0] = nil }
    }

    /// Keeps it up to date; starts once the topics are there.
    func keeping(_ topics: ShopTopics) -> Consuming<View<[Int: CustomerEntry]>> { Consuming(view, of: topics) {} }

    /// A customer as they are now; nil when they have left, or while the directory is still being read.
    subscript(id: Int) -> CustomerEntry? { view.peek { customers, _ in customers[id] } }

    var isReady: Bool { view.progress.isReady }

    /// All customers, by number, and how far the topic was read for that.
    var all: (customers: [CustomerEntry], progress: ViewProgress) {
        view.peek { customers, progress in (customers.values.sorted { $0.id < $1.id }, progress) }
    }
}
