import HTTPTypes
import Hummingbird
import Tidings

/// The statistics as a page with plots, and as JSON.
struct StatisticsPages: Sendable {
    let site: Site
    let view: View<Statistics>
    let arrivals: Arrivals
    private let outcomes = Outcomes<String>()

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther("/statistics") }
        router.get("statistics", use: statistics)
        router.get("statistics/arrivals") { request, _ in
            try JSON.response(arrivals.after(try request.queryNumber("after") ?? 0))
        }
        router.get("statistics/orders") { _, _ in try JSON.response(view.peek { state, _ in CountedOrders(state) }) }
        router.post("rebuild") { _, _ in
            view.rebuild()
            let sentence =
                "The statistics were told to read history anew. What is shown here goes on answering until they have."
            return outcomes.show(sentence, at: "/statistics")
        }
        router.get("live") { _, _ in
            Response.live { _ in
                let page = look().page
                let parts = StatisticsView.parts.reduce(into: [:]) { $0[$1] = site.part($1, page) }
                return (LiveChange<Never>(parts: parts), 0)
            }
        }
        router.get("live.js") { _, _ in Response.liveScript }
    }

    @Sendable private func statistics(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        var (report, page) = look()
        if request.wantsJSON { return try JSON.response(report) }
        page.done = outcomes.asked(by: request)
        return site.page("statistics", title: "Statistics", for: request, page)
    }

    /// How things stand. The sums are a handful; the state itself, with every order, is not copied.
    private func look() -> (report: StatisticsReport, page: StatisticsView) {
        var (report, progress) = view.peek { (StatisticsReport($0, $1), $1) }
        let rebuild = view.rebuildProgress
        report.rebuild = rebuild.map(StatisticsReport.Rebuild.init)
        let start = progress.isReady ? nil : Reading(progress)
        return (report, StatisticsView(report, start: start, rebuild: rebuild.map(Reading.init)))
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
    /// How far reading history anew has come; there only while that goes on and these numbers answer meanwhile.
    var rebuild: Rebuild?

    /// A state that is built from the beginning, beside the one that answers.
    struct Rebuild: Encodable, Sendable {
        /// How many records were read, and how many offsets are ahead until it answers.
        var records: Int64
        var remaining: Int64
        /// How much of the way is done, from 0 to 1.
        var progress: Double
        var milliseconds: Int64
        /// How much longer it takes at this rate; not there while nothing can be said.
        var millisecondsLeft: Int64?

        init(_ progress: ViewProgress) {
            records = progress.records
            remaining = progress.remaining
            self.progress = progress.fraction
            milliseconds = Int64(progress.elapsed / .milliseconds(1))
            millisecondsLeft = progress.timeRemaining.map { Int64($0 / .milliseconds(1)) }
        }
    }

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
