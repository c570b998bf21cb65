import HTTPTypes
import Hummingbird
import Tidings

/// The statistics as a page with plots, and as JSON.
struct StatisticsPages: Sendable {
    let site: Site
    let view: View<Statistics>
    let arrivals: Arrivals

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther("/statistics") }
        router.get("statistics", use: statistics)
        router.get("statistics/arrivals") { request, _ in
            try JSON.response(arrivals.after(try request.queryNumber("after") ?? 0))
        }
        router.get("statistics/orders") { _, _ in try JSON.response(view.peek { state, _ in CountedOrders(state) }) }
        router.post("rebuild") { _, _ in
            view.rebuild()
            return Response.seeOther("/statistics")
        }
    }

    @Sendable private func statistics(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        // The sums are a handful; the state itself, with every order, is not copied.
        let report = view.peek(StatisticsReport.init)
        if request.wantsJSON { return try JSON.response(report) }
        return site.page("statistics", title: "Statistics", for: request, StatisticsView(report))
    }
}

/// The orders that were counted, and up to where the topic was read for that.
struct CountedOrders: Codable, Sendable {
    var orders: [String]
    var cancelled: [String]
    var offsets: [Int: Int64]

    init(_ statistics: Statistics) {
        (orders, cancelled, offsets) = (statistics.orderIDs, statistics.cancelledIDs, statistics.offsets)
    }
}

/// The statistics at one moment. While `ready` is false, history is still being read, and all numbers grow.
struct StatisticsReport: Encodable, Sendable {
    struct Row: Encodable, Sendable {
        var name: String
        var count: Int
        var revenueCents: Int
    }

    var ready: Bool
    var orders: Int
    var cancelled: Int
    var revenueCents: Int
    var waiting: Int
    /// The largest revenue first.
    var items: [Row]
    /// For customers, `count` is how many orders stand.
    var customers: [Row]
    /// How many records were read, and how many offsets are ahead until it is ready.
    var records: Int64
    var remaining: Int64
    /// How much of the way is done, from 0 to 1.
    var progress: Double
    /// How long reading took, or takes by now.
    var milliseconds: Int64
    /// Behind the last event about orders that was read, for each partition.
    var offsets: [Int: Int64]

    init(_ statistics: Statistics, _ progress: ViewProgress) {
        ready = progress.isReady
        orders = statistics.orders
        cancelled = statistics.cancelled
        revenueCents = statistics.revenueCents
        waiting = statistics.waiting
        items = Self.rows(statistics.items)
        customers = Self.rows(statistics.customers)
        records = progress.records
        remaining = progress.remaining
        self.progress = progress.fraction
        milliseconds = Int64(progress.elapsed / .milliseconds(1))
        offsets = statistics.offsets
    }

    private static func rows(_ amounts: [String: Statistics.Amount]) -> [Row] {
        amounts.map { Row(name: $0, count: $1.count, revenueCents: $1.cents) }.sorted {
            ($1.revenueCents, $0.name) < ($0.revenueCents, $1.name)
        }
    }
}

/// What the page's template shows.
struct StatisticsView: Sendable {
    struct Figure: Sendable {
        let name: String
        let value: String
        let note: String?
    }

    /// Bars beside their names; a bar's length is its share of the longest one.
    struct Plot: Sendable {
        struct Bar: Sendable {
            let name: String
            let amount: String
            let count: String
            let percent: Double
        }
        let id: String
        let title: String
        let caption: String
        let bars: [Bar]
        let others: String?
    }

    let isReady: Bool
    let percent: Int
    let remaining: String
    let rate: String
    let story: String
    let figures: [Figure]
    let plots: [Plot]
    let hasOrders: Bool

    init(_ report: StatisticsReport) {
        isReady = report.ready
        percent = Int(report.progress * 100)
        remaining = Readable.count(report.remaining, "record")
        let seconds = Double(max(1, report.milliseconds)) / 1000
        rate = Readable.count(Int(Double(report.records) / seconds), "record")
        story =
            "This service has no database. When it started it read the topics from their first record, which took "
            + "\(Readable.duration(milliseconds: report.milliseconds)); since then it listens. "
            + "\(Readable.count(report.records, "record")) so far."
        figures = [
            Figure(
                name: "Orders", value: report.orders.grouped(),
                note: report.cancelled == 0 ? nil : "\(report.cancelled.grouped()) cancelled"),
            Figure(name: "Revenue", value: Money(cents: report.revenueCents).formatted, note: nil),
            Figure(name: "Waiting for shipment", value: report.waiting.grouped(), note: nil),
        ]
        plots = [
            Plot("items", "Revenue by item", "What the orders that stand are worth, by item", report.items, "sold"),
            Plot(
                "customers", "Revenue by customer", "What the orders that stand are worth, by customer",
                report.customers, nil),
        ]
        hasOrders = report.orders > report.cancelled
    }
}

extension StatisticsView.Plot {
    private static let shown = 12

    init(_ id: String, _ title: String, _ caption: String, _ rows: [StatisticsReport.Row], _ verb: String?) {
        let longest = max(1, rows.first?.revenueCents ?? 1)
        let rest = rows.dropFirst(Self.shown)
        self.init(
            id: id, title: title, caption: caption,
            bars: rows.prefix(Self.shown).map { row in
                Bar(
                    name: row.name, amount: Money(cents: row.revenueCents).formatted,
                    count: verb.map { "\(row.count.grouped()) \($0)" } ?? Readable.count(row.count, "order"),
                    percent: Double(row.revenueCents * 1000 / longest) / 10)
            },
            others: rest.isEmpty
                ? nil
                : "and \(rest.count.grouped()) more, together "
                    + Money(cents: rest.reduce(0) { $0 + $1.revenueCents }).formatted)
    }
}
