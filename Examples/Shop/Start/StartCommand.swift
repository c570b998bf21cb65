import ArgumentParser
import KafkaClient

/// `shop start`: the start page.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Runs the start page and /status.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        supervised.endWithSupervisor()
        try await Program.run("start") { logger in
            let site = try Site(.start, ports: shop.ports)
            let topic = try TopicWatch(shop, logger: logger)
            let watch = SystemWatch(
                ports: shop.ports, list: ProcessList(in: try shop.directory()), topic: topic, logger: logger)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.start,
                health: {},
                onReady: { supervised.ready("start", at: "http://127.0.0.1:\(shop.ports.start)") },
                routes: StartPages(site: site, watch: watch).add)
            return [server]
        }
    }
}
