import ArgumentParser
import Logging
import ServiceLifecycle
import Tidings

/// `shop invoicing`: makes out an invoice for each order that was placed.
struct InvoicingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoicing", abstract: "Runs an instance of invoicing, which consumes what happened to orders.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    @Option(help: "Which instance this is; a restarted one keeps its partitions.")
    var instance = 1

    func run() async throws {
        supervised.endWithSupervisor()
        let name = "invoicing-\(instance)"
        try await Program.run(name) { logger in
            let database = try InvoicingDatabase(try shop.directory())
            let subscription = Subscription.toOrders(
                group: "invoicing", instance: name, store: database.store, shop: shop, logger: logger)
            subscription.handle(OrderToInvoice.self) { order, delivery, db in
                if try !InvoicingDatabase.insert(order, Handling(delivery, by: name), db) {
                    logger.notice("order \(order.orderId) has an invoice already; ignored")
                }
            }
            subscription.handle(InvoicingCancelled.self) { order, _, db in
                try InvoicingDatabase.cancel(order.orderId, db)
            }
            let topic = OrderTopic(shop, client: name, logger: logger)
            return [Consuming(subscription, of: topic) { supervised.ready(name) }]
        }
    }
}
