import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import Tidings
import TidingsTesting

@testable import Shop

@Suite("A rebuild of the statistics", .timeLimit(.minutes(1)))
struct RebuildTests {
    private struct Report: Decodable, Sendable {
        struct Rebuild: Decodable, Sendable {
            var records: Int
            var remaining: Int
            var progress: Double
            var milliseconds: Int
            var millisecondsLeft: Int?
        }
        var ready: Bool
        var orders: Int
        var rebuild: Rebuild?
    }

    private let topic = Topic<OrderToCount>(uniqueName("order"))
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("its progress is on the page and in the JSON, beside the numbers that answer until it is done")
    func progress() async throws {
        let count = 100
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: logger).create(topic, partitions: 10)
            try await place(count, kafka)
            let gate = Gate()
            try await serving(count, gate, kafka) { port in
                @Sendable func look() async throws -> Report {
                    try await HTTP.ask("GET", port, "/statistics").decoded(Report.self)
                }
                @Sendable func page() async throws -> String {
                    try await HTTP.ask("GET", port, "/statistics", headers: ["Accept": "text/html"]).text
                }
                try await eventually("they are ready", passing: isAway) { try await look().ready }
                #expect(try await look().rebuild == nil)
                #expect(try await !page().contains("<progress"))
                let told = try await HTTP.ask("POST", port, "/rebuild", headers: ["Accept": "text/html"])
                #expect(told.text.contains("told to read history anew"))
                let rebuild = try await eventually("the rebuild has begun") { () -> Report.Rebuild? in
                    try await look().rebuild.flatMap { $0.records > 0 ? $0 : nil }
                }
                #expect(rebuild.records + rebuild.remaining == count && rebuild.remaining > 0)
                #expect(rebuild.progress == Double(rebuild.records) / Double(count))
                #expect(rebuild.millisecondsLeft != nil)
                #expect(try await look().orders == count)
                let percent = rebuild.records * 100 / count
                let html = try await page()
                #expect(html.contains("<progress max=\"100\" value=\"\(percent)\""))
                let way = "\(rebuild.records) records read, up to \(rebuild.remaining) ahead"
                #expect(html.contains("\(percent) % done: \(way)"))
                #expect(html.contains(" a second, ") && html.contains(" left."))
                gate.open()
                try await eventually("the rebuild is done") {
                    let now = try await look()
                    #expect(now.ready && now.orders == count)
                    return now.rebuild == nil
                }
                #expect(try await !page().contains("<progress"))
            }
        }
    }

    private func place(_ count: Int, _ kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: logger)
        let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
        for number in 0..<count {
            let order = OrderToCount(
                orderId: "o\(number)", customer: .init(name: "Ada"),
                lines: [.init(name: "pen", priceCents: 150, count: 1)])
            try await publisher.publish(order, to: topic, sending: .afterAction) { _ in }
        }
    }

    /// Runs the statistics' pages over a view that stops at the gate when it has folded the first records of a rebuild.
    private func serving(
        _ count: Int, _ gate: Gate, _ kafka: KafkaConfiguration, _ body: (_ port: Int) async throws -> Void
    ) async throws {
        let view = View(
            "statistics", of: [topic.name], initial: Statistics(), kafka: kafka, probe: gate, logger: logger)
        let folded = Mutex(0)
        view.fold(OrderToCount.self) { statistics, order, _ in
            statistics.placed(order)
            folded.withLock { folded in
                folded += 1
                if folded == count + 1 { gate.close() }
            }
        }
        let port = try freePorts(6)
        let site = try Site(.statistics, ports: Ports(first: port))
        let server = try WebServer(site: site, logger: logger).application(
            port: port, health: {}, onReady: {},
            routes: StatisticsPages(site: site, view: view, arrivals: Arrivals()).add)
        let services = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            tasks.addTask(executorPreference: OwnThreads()) { try await view.run() }
            defer { gate.open() }
            try await body(port)
            gate.open()
            tasks.cancelAll()
            while await tasks.nextResult() != nil {}
        }
    }
}
