import ArgumentParser

/// `shop invoicing`: makes out an invoice for each order that was placed.
struct InvoicingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoicing", abstract: "Runs an instance of invoicing, which consumes what happened to orders.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    @Option(help: "Which instance this is; a restarted one keeps its partitions.")
    var instance = 1

    func run() async throws { try await Ledger<Invoice>.consume(shop, supervised, instance: instance) }
}

/// `shop invoicing-page`: shows the invoices, in a process apart from those that make them out.
struct InvoicingPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invoicing-page", abstract: "Runs the pages and the JSON of the invoices.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws { try await Ledger<Invoice>.show(shop, supervised) }
}
