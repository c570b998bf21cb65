import ArgumentParser

/// `shop invoicing-page`: shows the invoices, in a process apart from those that make them out.
struct InvoicingPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoicing-page", abstract: "Runs the pages and the JSON of the invoices.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("invoicing-page") { logger in
            let database = try InvoicingDatabase(try shop.directory())
            let site = try Site(.invoices, ports: shop.ports)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.invoices,
                health: { _ = try await database.status() },
                onReady: { supervised.ready("invoicing-page", at: "http://127.0.0.1:\(shop.ports.invoices)") },
                routes: InvoicePages(site: site, database: database).add)
            return [server]
        }
    }
}
