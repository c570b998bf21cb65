import ArgumentParser
import Logging
import ServiceLifecycle

/// `shop relay`: the outbox's relay alone, for an order service that runs without one.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Runs the relay of the order service's outbox alone.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("relay") { logger in
            let database = try await OrderDatabase(shop, logger: logger)
            let kafka = shop.kafkaConfiguration(client: "relay")
            let topics = ShopTopics(shop, client: "relay", logger: logger)
            let relay = try Relay(database.store, topics, kafka, name: "relay", logger: logger)
            supervised.ready("relay")
            return relay.services
        }
    }
}
