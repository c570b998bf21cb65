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

    /// The parts of the page that are kept up to date; each is a template and the element of that name.
    static let parts = ["statistics-reading", "statistics-sums"]

    /// The way to being ready; nil once it is.
    let start: Reading?
    /// The way of a new state beside the one that answers; nil while there is none.
    let rebuild: Reading?
    /// Whether somebody has just pressed the button.
    var done: String?
    let story: String
    let figures: [Figure]
    let plots: [Plot]
    let hasOrders: Bool

    init(_ report: StatisticsReport, start: Reading?, rebuild: Reading?) {
        self.start = start
        self.rebuild = rebuild
        story =
            "This service has no database. It has read the topics from their first record, which took "
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
