import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// The two programs of a service that keeps a ledger: one that hears of orders, in as many instances as one likes, and
/// one that shows what is there.
extension Ledger where D: DocumentPages {
    /// Makes out a document for each order that was placed.
    static func consume(_ shop: ShopOptions, _ supervised: Supervised, instance: Int) async throws {
        supervised.endWithSupervisor()
        let name = "\(D.service)-\(instance)"
        try await Program.run(name) { logger in
            let ledger = try await Ledger(shop, logger: logger)
            let topics = ShopTopics(shop, client: name, logger: logger)
            let consuming = try ledger.store.consuming(D.self, shop, topics, instance: name, logger: logger) {
                supervised.ready(name)
            }
            guard D.announces else { return [consuming] }
            let kafka = shop.kafkaConfiguration(client: name)
            return try Relay(ledger.store, topics, kafka, name: name, logger: logger).services + [consuming]
        }
    }

    /// Shows them, in a process apart from those that make them out.
    static func show(_ shop: ShopOptions, _ supervised: Supervised) async throws {
        supervised.endWithSupervisor()
        let name = "\(D.service)-page"
        try await Program.run(name) { logger in
            let ledger = try await Ledger(shop, logger: logger)
            let directory = Directory(shop, client: name, logger: logger)
            let site = try Site(D.section, ports: shop.ports)
            let port = D.section.port(in: shop.ports)
            let server = try WebServer(site: site, logger: logger).application(
                port: port,
                health: { _ = try await ledger.status() },
                onReady: { supervised.ready(name, at: "http://127.0.0.1:\(port)") },
                routes: LedgerPages(site: site, ledger: ledger, directory: directory).add)
            return [directory.keeping(ShopTopics(shop, client: name, logger: logger)), server]
        }
    }
}

extension ShopStore {
    /// Reads what happened to orders. The instance's name is static: one that is started again gets its partitions
    /// back at once.
    fileprivate func consuming<D: Document>(
        _ documents: D.Type, _ shop: ShopOptions, _ topics: ShopTopics, instance: String, logger: Logger,
        onStart: @escaping @Sendable () -> Void
    ) throws -> any Service {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = instance
        configuration.sessionTimeout = .seconds(6)
        var kafka = shop.kafkaConfiguration(client: instance)
        // A member hears of another one's coming or going with its next heartbeat; Kafka's three seconds are long for
        // someone who watches. What is given with -X wins.
        kafka.properties.merge(["heartbeat.interval.ms": "500"]) { given, _ in given }
        let subscription = Subscription(
            to: [shop.topic], group: shop.group(D.service), store: self, kafka: kafka, configuration: configuration,
            logger: logger)
        let publisher = Publisher(store: self, source: "/shop/\(D.service)")
        let announcements = Topic<ShipmentMade>(shop.shipmentTopic)
        subscription.handle(D.Order.self) { order, delivery, sql in
            guard try Ledger<D>.makeOut(order, Handling(delivery, by: instance), sql) else {
                return logger.notice("order \(order.orderId) has its \(D.table) already; ignored")
            }
            guard let announcement = D.announcement(for: order) else { return }
            let id = EventID("\(ShipmentMade.eventType)/\(order.orderId)")
            try publisher.append(announcement, id: id, to: announcements, in: sql)
        }
        subscription.handle(Cancellation.self) { order, _, sql in try Ledger<D>.cancel(order.orderId, sql) }
        return Consuming(subscription, of: topics, onStart: onStart)
    }
}
