import ArgumentParser
import KafkaBroker
import Logging
import ServiceLifecycle

/// `shop broker`: the shop's own broker, for which nothing needs to be installed.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Runs the broker that the shop uses when no --kafka is given.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("broker") { logger in
            var configuration = BrokerConfiguration(dataDirectory: try shop.directory().file("broker"))
            configuration.listen = HostAndPort(host: "127.0.0.1", port: shop.ports.broker)
            // The services make their topic themselves, with the number of partitions it needs.
            configuration.autoCreateTopics = false
            // Fifteen seconds are long for someone who watches.
            configuration.cleanerBackoff = 2_000
            let broker = Broker(configuration: configuration, logger: logger)
            return [broker, Announcement(broker: broker, supervised: supervised)]
        }
    }
}

/// Says once that the broker accepts connections, and then waits with it for the end.
private struct Announcement: Service {
    let broker: Broker
    let supervised: Supervised

    func run() async throws {
        let address = try await broker.address()
        supervised.ready("broker", at: "\(address)")
        try await gracefulShutdown()
    }
}
