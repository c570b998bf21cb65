import Tidings

/// What the shop knows of its own costs at the moment, in sentences that are true when they are read.
struct TourFacts: Sendable {
    var state: SystemState
    /// The sizes of the events in the topic.
    var sizes = TopicReading.Sizes()
    var customers: CompactionWatch.Count?
    /// All orders of each way, whatever went on beside them.
    var ways: [Sending: Measurements.Way] = [:]
    /// Orders of all ways under the same load.
    var comparison: (startedAt: String, ways: [Sending: Measurements.Way])?
    /// The memory of the shop's processes, in bytes; nil where the system does not tell.
    var memory: Int64?

    func costs(of page: Int, at now: Timestamp = .now()) -> [String] {
        switch page {
        case 1: history
        case 2: size
        case 3: compaction
        case 4: groups(now)
        case 5: way(.afterAction)
        case 6: way(.beforeAction)
        case 7: outbox(now) + way(.outbox)
        case 8: rows.isEmpty ? ["Nothing measured yet: place orders in all three ways."] : []
        default: processes
        }
    }

    private var history: [String] {
        guard let statistics = state.statistics else { return ["The statistics do not answer just now."] }
        guard statistics.ready else {
            return [
                "The statistics are reading history: \(Readable.count(statistics.records, "record")) so far, in "
                    + "\(Readable.duration(milliseconds: statistics.milliseconds))."
            ]
        }
        let sum = "The statistics have read \(Readable.count(statistics.records, "record"))."
        if let rebuild = statistics.rebuild, rebuild.records + rebuild.remaining == 0 {
            return ["\(sum) They are to be rebuilt, and wait until Kafka says how much there is to read."]
        }
        if let rebuild = statistics.rebuild {
            return [
                "They are rebuilt at this moment: \(Readable.count(rebuild.records, "record")) read anew, "
                    + "\(rebuild.remaining.grouped()) to go, after \(Readable.duration(milliseconds: rebuild.milliseconds)). Until then they answer "
                    + "with what they had."
            ]
        }
        let time = Readable.duration(milliseconds: statistics.milliseconds)
        return [
            "\(sum) To read what was there when they started, or at the latest rebuild, took \(time); since then they "
                + "listen."
        ]
    }

    private var size: [String] {
        guard sizes.count > 0 else { return ["Nothing measured yet: place an order."] }
        let key = "Its key alone, with which a reader could ask back, would have \(sizes.keys / sizes.count)."
        if sizes.count == 1 { return ["The one event there is has \(Readable.count(sizes.sum, "byte")). \(key)"] }
        return [
            "An event has \(Readable.count(sizes.sum / sizes.count, "byte")) on average, from \(sizes.least) to "
                + "\(sizes.most) (of \(Readable.count(sizes.count, "event"))). \(key)"
        ]
    }

    private var compaction: [String] {
        guard let customers else { return ["Kafka does not answer just now."] }
        return [
            "\(Readable.count(customers.written, "record")) went into the customers’ topic so far; a new reader finds "
                + "\(customers.left.grouped()) of them."
        ]
    }

    /// How each instance of invoicing stands, and what it reads.
    private func groups(_ now: Timestamp) -> [String] {
        let instances = (state.processes + state.down).filter { $0.role == "invoicing" }.sorted { $0.name < $1.name }
        guard !instances.isEmpty else { return ["No process tells how it stands: no supervisor runs this shop."] }
        return instances.map { entry in
            let owned = (state.partitions ?? []).filter { $0.owner(in: "invoicing")?.instance == entry.name }
            let share =
                state.partitions == nil
                ? "Kafka does not say what it reads"
                : owned.isEmpty
                    ? "it has no partition" : "it has \(Readable.partitions(owned.map(\.partition)))"
            return "\(entry.name.processTitle) \(Self.standing(entry, now)); \(share)."
        }
    }

    private static func standing(_ entry: ProcessEntry, _ now: Timestamp) -> String {
        let since = entry.endedAt.map { Readable.duration(milliseconds: max(0, now.millisecondsSince1970 - $0)) }
        if entry.isStopped { return entry.pid == nil ? "is stopped" : "is about to end" }
        guard entry.pid != nil, entry.isReady else {
            return since.map { "\(entry.endInShort) \($0) ago and is being started again" } ?? "is being started"
        }
        func clock(_ time: Int64) -> String {
            "\(Readable.clock(Timestamp(millisecondsSince1970: time).rfc3339)) (UTC)"
        }
        guard let ready = entry.readyAt else { return "runs" }
        guard let ended = entry.endedAt, ready >= ended else { return "has run since \(clock(ready))" }
        if entry.lastEnd == ProcessEntry.stopped {
            return "was stopped at \(clock(ended)) and has run again since \(clock(ready))"
        }
        return "ended at \(clock(ended)) and was back after \(Readable.duration(milliseconds: ready - ended))"
    }

    private func outbox(_ now: Timestamp) -> [String] {
        guard let orders = state.orders else { return ["The order service does not answer just now."] }
        guard orders.outboxWaiting > 0 else { return ["Nothing waits in the outbox."] }
        let age = state.oldestWait(at: now).map { ", the oldest for \(Readable.duration(milliseconds: $0))" } ?? ""
        let why = state.partitions == nil ? " Kafka does not answer." : ""
        return ["\(Readable.count(orders.outboxWaiting, "event")) in the outbox\(age).\(why)"]
    }

    private func way(_ sending: Sending) -> [String] {
        guard let way = ways[sending], let action = way.action.quantile(0.5), let late = way.action.quantile(0.99)
        else {
            return ["Nothing measured yet: choose “\(sending.title)”, and place a few orders."]
        }
        let count = way.action.count
        // Of a few, the slowest hundredth says nothing.
        let most = count < Self.many ? "" : ", 99 % of them no longer than \(Self.time(late))"
        let waits =
            "\(Readable.count(count, "order")) of these pages’ buttons and streams so far, sent \(sending.title): "
            + (count == 1
                ? "the customer waited \(Self.time(action))."
                : "customers waited \(Self.time(action)) at the median\(most).")
        let visible = way.visible.quantile(0.5).map {
            (way.visible.count == 1
                ? " Its event could be read from Kafka after \(Self.time($0))."
                : " Their events could be read from Kafka after \(Self.time($0)) at the median.")
                + ($0 < 2000 ? "" : " If Kafka was away meanwhile, they waited in the outbox, or with their callers.")
        }
        let others = "Whatever else was going on is in these times; page 8 sets the ways side by side."
        return [waits + (visible ?? ""), others]
    }

    /// So many orders are enough to speak of a hundredth of them.
    private static let many = 20

    private static func time(_ milliseconds: Double) -> String {
        milliseconds < 1000 ? "\(number(milliseconds)) ms" : "\(number(milliseconds / 1000)) s"
    }

    /// `5.5`; what is whole, such as all that was counted in whole milliseconds, is written so.
    private static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(Int(value)).\(Int(value * 10) % 10)"
    }

    private var processes: [String] {
        let count = "\(state.processes.count.grouped()) processes"
        let size = memory.map { ", with \(($0 >> 20).grouped()) MB of memory in all (what they share counts for each)" }
        return ["The shop runs as \(count)\(size ?? "")."]
    }

    // MARK: Side by side

    /// The three ways side by side; empty before they were compared.
    var rows: [TourView.Row] {
        func text(_ times: Measurements.Times) -> String {
            guard let median = times.quantile(0.5), let longest = times.longest else { return "–" }
            return "\(Self.number(median)) · \(Self.number(longest)) ms"
        }
        guard let comparison, comparison.ways.values.contains(where: { $0.action.count > 0 }) else { return [] }
        return [Sending.afterAction, .beforeAction, .outbox].map { sending in
            let way = comparison.ways[sending] ?? Measurements.Way()
            return TourView.Row(
                way: "Sent \(sending.title)", count: way.action.count.grouped(), action: text(way.action),
                visible: text(way.visible))
        }
    }

    /// What the rows were measured with.
    var caption: String {
        let time = comparison.map { " at \(Readable.clock($0.startedAt)) (UTC)" } ?? ""
        return "The orders of the button above\(time), the same load for each way: median · slowest"
    }
}
