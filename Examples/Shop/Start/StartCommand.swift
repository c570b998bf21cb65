import ArgumentParser
import KafkaClient
import Logging
import ServiceLifecycle

/// `shop start`: the start page.
struct StartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Runs the start page and /status.")

    @OptionGroup var shop: ShopOptions
    @OptionGroup var supervised: Supervised

    func run() async throws {
        let link = ControlLink()
        supervised.endWithSupervisor { link.heard($0) }
        try await Program.run("start") { logger in
            let site = try Site(.start, ports: shop.ports)
            let topic = try TopicWatch(shop, logger: logger)
            let list = ProcessList(in: try shop.directory())
            let look = SystemLook(ports: shop.ports, list: list, topic: topic, logger: logger)
            let watch = SystemWatch { await look() }
            let reading = TopicReading(shop, logger: logger)
            let auditor = Auditor(ports: shop.ports, reading: reading, topic: topic, logger: logger)
            let compaction = try CompactionWatch(shop, logger: logger)
            let measurements = Measurements()
            let customers = Customers(ports: shop.ports, measurements: measurements) {
                await watch.state().orders?.sending
            }
            let journeys = Journeys(reading, ports: shop.ports, measurements: measurements)
            let token = FormToken()
            let outcomes = Outcomes<Notice>()
            // The buttons that reach for processes are there only where a supervisor runs them.
            let control =
                supervised.isSupervised
                ? ControlPages(
                    deeds: Deeds(
                        ports: shop.ports, link: link, watch: watch, customers: customers, measurements: measurements,
                        compaction: compaction, list: list, hasBroker: shop.kafka == nil),
                    token: token, outcomes: outcomes)
                : nil
            let pages = StartPages(
                site: site, watch: watch, journeys: journeys, auditor: auditor, compaction: compaction,
                token: token,
                outcomes: outcomes, customers: control == nil ? nil : customers, hasBroker: shop.kafka == nil)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.start,
                health: {},
                onReady: { supervised.ready("start", at: "http://127.0.0.1:\(shop.ports.start)") },
                routes: { router in
                    pages.add(to: router)
                    control?.add(to: router)
                    AuditPages(site: site, auditor: auditor).add(to: router)
                    TourPages(
                        start: pages, auditor: auditor, reading: reading, measurements: measurements
                    ).add(to: router)
                })
            let topics = ShopTopics(shop, client: "start", logger: logger)
            return [reading.reading(topics), customers, journeys, auditor, compaction, server]
        }
    }
}
