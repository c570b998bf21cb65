import Tidings

/// What a page of the tour shows.
struct TourView: Sendable {
    struct Neighbour: Sendable {
        let number: Int
        let title: String
    }

    struct Row: Sendable {
        let way: String
        let count: String
        let action: String
        let visible: String
    }

    let number: Int
    let title: String
    let meaning: [String]
    let buttons: [DeedGroup.Button]
    let hasDeeds: Bool
    let look: String
    let choosesWay: Bool
    let ways: [StartView.Way]
    let token: String
    let file: String
    let code: String
    /// What was measured, in sentences.
    let costs: [String]
    let rows: [Row]
    let hasRows: Bool
    let audit: AuditView
    let done: String?
    let previous: Neighbour?
    let next: Neighbour?
    let pages: [Neighbour]

    init(_ page: TourPage, _ facts: TourFacts, start: StartView, done: String?) {
        (number, title, meaning, look) = (page.number, page.title, page.meaning, page.look)
        buttons = DeedGroup("", page.deeds).buttons
        hasDeeds = start.hasDeeds
        choosesWay = page.choosesWay && start.hasWays
        ways = start.ways
        token = start.token
        let snippet = TourCode.all[page.number]
        (file, code) = (snippet?.file ?? "", snippet?.text ?? "")
        costs = facts.costs(of: page.number)
        rows = (5...8).contains(page.number) ? facts.rows : []
        hasRows = !rows.isEmpty
        audit = start.audit
        self.done = done
        pages = TourPage.all.map { Neighbour(number: $0.number, title: $0.title) }
        previous = pages.first { $0.number == page.number - 1 }
        next = pages.first { $0.number == page.number + 1 }
    }
}

/// What the shop knows of its own costs at the moment.
struct TourFacts: Sendable {
    var state: SystemState
    /// The sizes of the events in the topic, in bytes.
    var sizes: [Int]
    var customers: CompactionWatch.Count?
    var ways: [(sending: Sending, measured: Measurements.Way)]
    /// The memory of the shop's processes, in bytes; nil where the system does not tell.
    var memory: Int64?

    func costs(of page: Int) -> [String] {
        switch page {
        case 1: history
        case 2: size
        case 3: compaction
        case 4: groups
        case 5, 6, 7, 8: rows.isEmpty ? ["Nothing measured yet: place a few orders."] : []
        default: processes
        }
    }

    private var history: [String] {
        guard let statistics = state.statistics, statistics.ready else {
            return ["The statistics do not answer just now."]
        }
        let time = Readable.duration(milliseconds: statistics.milliseconds)
        return [
            "The statistics have read \(Readable.count(statistics.records, "record")) since they started. What was there at "
                + "the start, or at the latest rebuild, took them \(time)."
        ]
    }

    private var size: [String] {
        guard !sizes.isEmpty else { return ["Nothing measured yet: place an order."] }
        let average = sizes.reduce(0, +) / sizes.count
        return [
            "An event has \(Readable.count(average, "byte")) on average, from \(sizes.min() ?? 0) to \(sizes.max() ?? 0) (of "
                + "\(Readable.count(sizes.count, "event"))). Its key alone, with which a reader could ask back, would have 14."
        ]
    }

    private var compaction: [String] {
        guard let customers else { return ["Kafka does not answer just now."] }
        return [
            "\(Readable.count(customers.written, "record")) went into the customers’ topic so far; a new reader finds "
                + "\(customers.left.grouped()) of them."
        ]
    }

    private var groups: [String] {
        let back = (state.processes).filter { $0.role == "invoicing" }.compactMap { entry -> String? in
            guard let ended = entry.endedAt, let ready = entry.readyAt, ready > ended else { return nil }
            return
                "\(entry.name.processTitle) was away for \(Readable.duration(milliseconds: ready - ended)) the last time."
        }
        return back.isEmpty ? ["Nothing measured yet: kill an instance."] : back
    }

    private var processes: [String] {
        let count = "\(state.processes.count.grouped()) processes"
        let size = memory.map { ", with \(($0 >> 20).grouped()) MB of memory in all (what they share counts for each)" }
        return ["The shop runs as \(count)\(size ?? "")."]
    }

    /// The three ways side by side; empty before anything was measured.
    var rows: [TourView.Row] {
        func text(_ times: Measurements.Times) -> String {
            guard let median = times.quantile(0.5), let late = times.quantile(0.99) else { return "–" }
            func number(_ value: Double) -> String { "\(Int(value)).\(Int(value * 10) % 10)" }
            return "\(number(median)) · \(number(late)) ms"
        }
        guard ways.contains(where: { $0.measured.action.count > 0 }) else { return [] }
        return ways.map { way in
            TourView.Row(
                way: "Sent \(way.sending.title)", count: way.measured.action.count.grouped(),
                action: text(way.measured.action), visible: text(way.measured.visible))
        }
    }
}
