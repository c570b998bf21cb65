import ArgumentParser
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// `shop order`: the order service, with its pages, its JSON and its relay.
struct OrderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "order", abstract: "Runs the order service: pages, JSON and the outbox's relay.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    @Flag(help: "Run without a relay; `shop relay` is it then.")
    var withoutRelay = false

    @Option(help: ArgumentHelp("End as if killed at a step of publishing, for fault tests.", valueName: "step"))
    var dieAt: String?

    func run() async throws {
        let death = DeathAtStep(dieAt)
        // The supervisor's own word for what one asks for on the start page.
        supervised.endWithSupervisor { line in
            if case .dieAt(let step) = ControlRequest(line) { death.arm(step) }
        }
        try await Program.run("order") { logger in
            let database = try await OrderDatabase(shop, logger: logger)
            let kafka = shop.kafkaConfiguration(client: "order")
            try await database.announceCustomers(on: Topic(shop.customerTopic))
            let topics = ShopTopics(shop, client: "order", logger: logger)
            let probe = dieAt != nil || supervised.isSupervised ? death : nil
            var direct = ProducerConfiguration(kafka)
            direct.deliveryTimeout = Self.patience
            let producer = try Producer(direct, logger: logger)
            let publisher = database.store.publisher(
                TopicSender(topics: topics, producer: producer), probe: probe)
            let server = try server(database, publisher, logger)
            guard !withoutRelay else { return [producer, server] }
            return [producer]
                + (try Relay(database.store, topics, kafka, name: "order", probe: probe, logger: logger).services) + [
                    server
                ]
        }
    }

    /// How long someone who orders waits for Kafka when events are sent directly.
    private static let patience: Duration = .seconds(10)

    private func server(
        _ database: OrderDatabase, _ publisher: any OrderPublisher, _ logger: Logger
    ) throws -> some Service {
        let site = try Site(.orders, ports: shop.ports)
        let list = ProcessList(in: try shop.directory())
        let service = OrderService(
            database: database, publisher: publisher, topic: shop.topic, customerTopic: shop.customerTopic,
            isBrokerStopped: { list.read().contains { $0.role == "broker" && $0.isStopped } })
        return try WebServer(site: site, logger: logger).application(
            port: shop.ports.orders,
            health: { _ = try await database.status() },
            onReady: { [supervised, shop] in
                supervised.ready("order", at: "http://127.0.0.1:\(shop.ports.orders)")
            },
            routes: { router in
                OrderPages(site: site, service: service).add(to: router)
                CustomerPages(site: site, service: service).add(to: router)
            })
    }
}
