import ArgumentParser
import Logging
import ServiceLifecycle
import Tidings

/// `shop shipping`: makes out a shipment for each order that was placed.
struct ShippingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shipping", abstract: "Runs an instance of shipping, which consumes what happened to orders.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    @Option(help: "Which instance this is; a restarted one keeps its partitions.")
    var instance = 1

    func run() async throws {
        supervised.endWithSupervisor()
        let name = "shipping-\(instance)"
        try await Program.run(name) { logger in
            let database = try ShippingDatabase(try shop.directory())
            let subscription = Subscription.toOrders(
                group: "shipping", instance: name, store: database.store, shop: shop, logger: logger)
            subscription.handle(OrderToShip.self) { order, delivery, db in
                if try !ShippingDatabase.insert(order, Handling(delivery, by: name), db) {
                    logger.notice("order \(order.orderId) has a shipment already; ignored")
                }
            }
            subscription.handle(ShippingCancelled.self) { order, _, db in
                try ShippingDatabase.cancel(order.orderId, db)
            }
            let topic = OrderTopic(shop, client: name, logger: logger)
            return [Consuming(subscription, of: topic) { supervised.ready(name) }]
        }
    }
}
