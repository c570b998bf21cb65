import ArgumentParser

/// `shop shipping`: makes out a shipment for each order that was placed.
struct ShippingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shipping", abstract: "Runs an instance of shipping, which consumes what happened to orders.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    @Option(help: "Which instance this is; a restarted one keeps its partitions.")
    var instance = 1

    func run() async throws { try await Ledger<Shipment>.consume(shop, supervised, instance: instance) }
}

/// `shop shipping-page`: shows the shipments, in a process apart from those that make them out.
struct ShippingPageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shipping-page", abstract: "Runs the pages and the JSON of the shipments.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws { try await Ledger<Shipment>.show(shop, supervised) }
}
