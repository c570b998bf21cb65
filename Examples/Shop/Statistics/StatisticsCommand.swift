import ArgumentParser
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// `shop statistics`: what was sold, from the topics' history alone.
struct StatisticsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statistics",
        abstract: "Runs the statistics, which have no database: they read the topics' history at each start.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("statistics") { logger in
            let arrivals = Arrivals()
            let statistics = view(arrivals, logger)
            let topics = ShopTopics(shop, client: "statistics", logger: logger)
            let site = try Site(.statistics, ports: shop.ports)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.statistics, health: {},
                onReady: { [supervised, shop] in
                    supervised.ready("statistics", at: "http://127.0.0.1:\(shop.ports.statistics)")
                },
                routes: StatisticsPages(site: site, view: statistics, arrivals: arrivals).add)
            return [Consuming(statistics, of: topics) {}, server]
        }
    }

    private func view(_ arrivals: Arrivals, _ logger: Logger) -> View<Statistics> {
        let view = View(
            shop.group("statistics"), of: [shop.topic, shop.shipmentTopic], initial: Statistics(),
            kafka: shop.kafkaConfiguration(client: "statistics"), logger: logger)
        view.fold(OrderToCount.self) { statistics, order, delivery in
            statistics.placed(order)
            statistics.read(delivery.offset, of: Int(delivery.partition))
            arrivals.note(order.orderId, delivery)
        }
        view.fold(Cancellation.self) { statistics, order, delivery in
            statistics.cancelled(order.orderId)
            statistics.read(delivery.offset, of: Int(delivery.partition))
        }
        view.fold(ShipmentMade.self) { statistics, shipment, _ in statistics.shipped(shipment.orderId) }
        return view
    }
}
