import ArgumentParser

@main
struct Shop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shop",
        abstract: "The live example of Tidings: orders, shipments and invoices that talk only through a topic.",
        version: "0.1.0",
        subcommands: [
            AllCommand.self, StartCommand.self, OrderCommand.self, RelayCommand.self, ShippingCommand.self,
            ShippingPageCommand.self, InvoicingCommand.self, InvoicingPageCommand.self, StatisticsCommand.self,
            BrokerCommand.self,
        ])
}
