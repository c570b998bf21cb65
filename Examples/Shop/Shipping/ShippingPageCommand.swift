import ArgumentParser

/// `shop shipping-page`: shows the shipments, in a process apart from those that make them out.
struct ShippingPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shipping-page", abstract: "Runs the pages and the JSON of the shipments.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("shipping-page") { logger in
            let database = try ShippingDatabase(try shop.directory())
            let site = try Site(.shipments, ports: shop.ports)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.shipments,
                health: { _ = try await database.status() },
                onReady: { supervised.ready("shipping-page", at: "http://127.0.0.1:\(shop.ports.shipments)") },
                routes: ShipmentPages(site: site, database: database).add)
            return [server]
        }
    }
}
