import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Shop
@testable import Tidings

@Suite("How far history was read", .timeLimit(.minutes(1)))
struct ReadingTests {
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
        var records: Int
        var remaining: Int
        var rebuild: Rebuild?
    }

    private let topic = Topic<OrderToCount>(uniqueName("order"))
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("a rebuild is on the statistics' page and in their JSON, beside the numbers that answer until it is done")
    func rebuild() async throws {
        let count = 100
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: logger).create(topic, partitions: 10)
            try await place(count, kafka)
            let gate = Gate()
            try await serving(gate, closingAt: count + 1, kafka) { port in
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

    @Test("the start is, too, with numbers that grow until it is done")
    func start() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: logger).create(topic, partitions: 10)
            try await place(100, kafka)
            let gate = Gate()
            try await serving(gate, closingAt: 1, kafka) { port in
                @Sendable func look() async throws -> Report {
                    try await HTTP.ask("GET", port, "/statistics").decoded(Report.self)
                }
                let start = try await eventually("reading has begun", passing: isAway) { () -> Report? in
                    let now = try await look()
                    return now.records > 0 ? now : nil
                }
                #expect(!start.ready && start.orders == start.records && start.rebuild == nil)
                #expect(start.records + start.remaining == 100 && start.remaining > 0)
                let html = try await HTTP.ask("GET", port, "/statistics", headers: ["Accept": "text/html"]).text
                #expect(html.contains("History is being read. \(start.records) % done: \(start.records) records read"))
                #expect(html.contains("<progress max=\"100\" value=\"\(start.records)\""))
                gate.open()
                try await eventually("they are ready") { try await look().ready }
                #expect(try await look().orders == 100)
            }
        }
    }

    @Test("the directory of customers says how far its topic was read, on the way and at the end")
    func directory() throws {
        let site = try Site(.shipments, ports: Ports(first: 8080))
        func page(_ progress: ViewProgress?) -> String {
            let page = DirectoryPage([], isOwner: progress == nil, progress: progress, section: .shipments)
            return site.part("customers", ["title": "Customers", "body": page] as [String: any Sendable])
        }
        var progress = ViewProgress(records: 3, total: 8, remaining: 4, elapsed: .seconds(2))
        let way = "50 % done: 3 records read, up to 4 ahead, 2 a second, 2.0 s left."
        #expect(page(progress).contains("The topic is being read. \(way)"))
        #expect(page(progress).contains("<progress max=\"100\" value=\"50\""))
        (progress.records, progress.remaining, progress.isReady) = (5, 0, true)
        #expect(page(progress).contains("5 records of the topic read since this service’s page started; it took 2.0 s"))
        #expect(!page(progress).contains("<progress"))
        #expect(page(ViewProgress(isReady: true)).contains("it was empty then."))
        // The owner reads no topic.
        #expect(!page(nil).contains("of the topic read") && !page(nil).contains("<progress"))
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

    /// Runs the statistics' pages over a view that stops at the gate once it has folded so many events.
    private func serving(
        _ gate: Gate, closingAt count: Int, _ kafka: KafkaConfiguration, _ body: (_ port: Int) async throws -> Void
    ) async throws {
        let view = View(
            "statistics", of: [topic.name], initial: Statistics(), kafka: kafka, probe: gate, logger: logger)
        let folded = Mutex(0)
        view.fold(OrderToCount.self) { statistics, order, _ in
            statistics.placed(order)
            folded.withLock { folded in
                folded += 1
                if folded == count { gate.close() }
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
