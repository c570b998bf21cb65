import Tidings
import TidingsAudit

/// What the start page's template shows.
struct StartView: Sendable {
    struct Verdict: Sendable {
        /// `calm`, `flowing` or `broken`: the colour; `mark` says the same for those who do not see it.
        let tone: String
        let mark: String
        let sentence: String
    }

    struct Figure: Sendable {
        let name: String
        let value: String
        let note: String?
    }

    struct Way: Sendable {
        let value: String
        let title: String
        let explanation: String
        let isChosen: Bool
    }

    struct Owner: Sendable {
        let group: String
        let name: String
        let lag: String
        let isBehind: Bool
        let isMissing: Bool
    }

    struct PartitionRow: Sendable {
        let number: Int
        let records: String
        let owners: [Owner]
    }

    struct ProcessRow: Sendable {
        let role: String
        let instance: Int
        let pid: String
        let state: String
        let restarts: String
        let lastEnd: String
        let isDown: Bool
    }

    struct JourneyRow: Sendable {
        let order: String
        let url: String
        let way: String
        let place: String
        let visible: String
        let shipped: String
        let invoiced: String
        let counted: String

        var hasGaps: Bool { [visible, shipped, invoiced, counted].contains { $0.hasPrefix("–") } }
    }

    /// What one can do, where one can.
    struct Control: Sendable {
        let account: Customers.Account
        let circumstances: Deed.Circumstances
    }

    /// How many orders a second a stream may have.
    struct Rate: Sendable {
        let value: Int
        let isChosen: Bool
    }

    /// The parts of the page that are kept up to date; each is a template and the element of that name.
    static let parts = [
        "now", "picture-stage", "audit", "figures", "stream", "deeds", "ways", "journeys", "chronicle", "details",
    ]
    static let shownJourneys = 8

    let verdict: Verdict
    let audit: AuditView
    let figures: [Figure]
    let wide: Picture
    let tall: Picture
    let ways: [Way]
    let hasWays: Bool
    let partitions: [PartitionRow]
    let hasPartitions: Bool
    /// What becomes of orders while Kafka does not answer.
    let meanwhile: String
    let processes: [ProcessRow]
    let hasProcesses: Bool
    let journeys: [JourneyRow]
    let hasJourneys: Bool
    /// Whether a part of one of the ways is not known.
    let hasGaps: Bool
    let chronicle: [Chronicle.Entry]
    let hasChronicle: Bool
    let groups: [DeedGroup]
    let hasDeeds: Bool
    let stream: String?
    let rates: [Rate]
    let token: String
    let newOrderURL: String
    let itemsURL: String
    var done: Notice?

    init(
        _ state: SystemState, audit: AuditReport, compaction: CompactionWatch.Count?, journeys: [Journeys.Journey],
        chronicle: [Chronicle.Entry],
        control: Control?, token: FormToken, newOrderURL: String, itemsURL: String, orderURL: String
    ) {
        verdict = Verdict(state)
        self.audit = AuditView(audit)
        figures = Self.figures(state) + [Self.figure(compaction)]
        wide = Picture(state, .wide)
        tall = Picture(state, .tall)
        let chosen = state.orders?.sending
        ways = [Sending.outbox, .afterAction, .beforeAction].map {
            Way(value: $0.rawValue, title: $0.title, explanation: $0.explanation, isChosen: $0 == chosen)
        }
        hasWays = chosen != nil
        partitions = (state.partitions ?? []).map(PartitionRow.init)
        hasPartitions = !partitions.isEmpty
        meanwhile =
            switch chosen {
            case .outbox: "Orders are taken all the same; their events leave when it is back."
            case .afterAction:
                "Customers wait for it, ten seconds at most; if it is not back by then, the order is written and its "
                    + "event lost."
            case .beforeAction:
                "Customers wait for it, ten seconds at most; if it is not back by then, they are refused."
            case nil: ""
            }
        processes = (state.processes + state.down).map(ProcessRow.init)
        hasProcesses = !processes.isEmpty
        // What was announced and never written has no page at the order service.
        let ghosts = Set(audit.findings.filter { $0.kind == .ghost }.map(\.order))
        self.journeys = journeys.map { JourneyRow($0, ghosts.contains($0.order) ? "/history/" : orderURL) }
        hasJourneys = !journeys.isEmpty
        hasGaps = self.journeys.contains(where: \.hasGaps)
        self.chronicle = chronicle
        hasChronicle = !chronicle.isEmpty
        groups = control.map { DeedGroup.groups($0.circumstances) } ?? []
        hasDeeds = control != nil
        stream = control.flatMap { control in
            guard control.account.isRunning else { return nil }
            return "A stream is running, up to \(Readable.count(control.account.rate, "order")) a second: "
                + control.account.sentence
        }
        rates = Customers.rates.map { Rate(value: $0, isChosen: $0 == control?.account.rate) }
        self.token = token.text
        self.newOrderURL = newOrderURL
        self.itemsURL = itemsURL
    }

    private static func figure(_ compaction: CompactionWatch.Count?) -> Figure {
        Figure(
            name: "Customers’ records", value: compaction?.left.grouped() ?? "–",
            note: compaction.flatMap {
                $0.written == $0.left ? nil : "\(($0.written - $0.left).grouped()) compacted away"
            })
    }

    private static func figures(_ state: SystemState) -> [Figure] {
        func note(_ count: Int?, _ words: String) -> String? {
            count.flatMap { $0 == 0 ? nil : "\($0.grouped()) \(words)" }
        }
        func duplicates(_ status: ConsumerStatus?) -> String? {
            let duplicates = status.flatMap { $0.duplicates == 0 ? nil : Readable.count($0.duplicates, "duplicate") }
            let parts = [note(status?.cancelled, "cancelled"), duplicates.map { $0 + " ignored" }].compactMap(\.self)
            return parts.isEmpty ? nil : parts.joined(separator: ", ")
        }
        return [
            Figure(
                name: "Orders", value: state.orders?.orders.grouped() ?? "–",
                note: note(state.orders?.deleted, "deleted")),
            Figure(
                name: "Waiting in the outbox", value: state.orders?.outboxWaiting.grouped() ?? "–",
                note: state.oldestWait().map { "the oldest for \(Readable.duration(milliseconds: $0))" }
                    ?? note(state.orders?.outboxParked, "parked")),
            Figure(
                name: "Events in the topic",
                value: state.partitions.map { $0.reduce(0) { $0 + $1.endOffset }.grouped() } ?? "–", note: nil),
            Figure(
                name: "Shipments", value: state.shipments?.count.grouped() ?? "–", note: duplicates(state.shipments)),
            Figure(name: "Invoices", value: state.invoices?.count.grouped() ?? "–", note: duplicates(state.invoices)),
            Figure(
                name: "Counted by statistics", value: state.statistics?.orders.grouped() ?? "–",
                note: state.statistics.flatMap { $0.ready ? nil : "reading history" }),
        ]
    }
}

extension StartView.Verdict {
    /// The whole state in one sentence: what is broken first, then what is under way, then that all is well.
    init(_ state: SystemState) {
        var silent: [String] = []
        if state.orders == nil { silent.append("the order service") }
        if state.partitions == nil { silent.append("Kafka") }
        if state.shipments == nil { silent.append("the shipments’ page") }
        if state.invoices == nil { silent.append("the invoices’ page") }
        if state.statistics == nil { silent.append("the statistics") }
        let away = state.down.filter { !$0.isStopped } + state.processes.filter { !$0.isReady }
        let stopped = state.down.filter(\.isStopped)
        if !silent.isEmpty || !away.isEmpty || !stopped.isEmpty {
            var sentences: [String] = []
            func names(_ entries: [ProcessEntry]) -> String {
                entries.map(\.name.processTitle)
                    .map { $0.hasPrefix("The ") ? "the \($0.dropFirst(4))" : $0 }.joined(separator: ", ")
            }
            // Whatever was started again has ended before.
            let new = away.filter { $0.endedAt == nil }
            let again = away.filter { $0.endedAt != nil }
            if !new.isEmpty { sentences.append("Being started: \(names(new)).") }
            if !again.isEmpty { sentences.append("Being started again: \(names(again)).") }
            if !stopped.isEmpty { sentences.append("Stopped: \(names(stopped)).") }
            if !silent.isEmpty { sentences.append("No answer from \(silent.joined(separator: ", ")).") }
            if let waiting = state.orders?.outboxWaiting, waiting > 0 {
                sentences.append("\(Readable.count(waiting, "event")) in the outbox.")
            }
            self.init(
                tone: "broken", mark: "✕",
                sentence: sentences.joined(separator: " ") + " What was committed is kept, and goes on from there.")
            return
        }
        let waiting = state.orders?.outboxWaiting ?? 0
        let lag = (state.partitions ?? []).flatMap(\.owners).reduce(state.statisticsLag ?? 0) { $0 + $1.lag }
        if waiting > 0 || lag > 0 {
            self.init(
                tone: "flowing", mark: "→",
                sentence: "Flowing: \(waiting.grouped()) in the outbox, \(lag.grouped()) still to be handled.")
        } else if state.orders?.orders == 0, state.shipments?.count == 0 {
            self.init(tone: "calm", mark: "✓", sentence: "Everything runs and waits for the first order.")
        } else {
            self.init(
                tone: "calm", mark: "✓", sentence: "Everything runs, and everyone has heard of all that is in Kafka.")
        }
    }
}

extension StartView.PartitionRow {
    init(_ state: PartitionState) {
        self.init(
            number: state.partition, records: state.endOffset.grouped(),
            owners: SystemWatch.groups.map { group in
                let owner = state.owner(in: group)
                return StartView.Owner(
                    group: Readable.title(group),
                    name: owner?.instance ?? "nobody", lag: (owner?.lag ?? 0).grouped(),
                    isBehind: (owner?.lag ?? 0) > 0, isMissing: owner?.instance == nil)
            })
    }
}

extension StartView.ProcessRow {
    init(_ process: ProcessEntry) {
        self.init(
            role: process.role, instance: process.instance, pid: process.pid.map(String.init) ?? "",
            state: process.pid == nil ? process.isStopped ? "stopped" : "down" : "starting",
            restarts: process.restarts.grouped(), lastEnd: process.lastEnd ?? "",
            isDown: process.pid == nil || !process.isReady)
    }
}

extension StartView.JourneyRow {
    init(_ journey: Journeys.Journey, _ orderURL: String) {
        func after(_ reader: String) -> String {
            journey.handled[reader].map { Readable.duration(milliseconds: $0.afterMilliseconds) } ?? "–"
        }
        let invoicing = journey.handled["invoicing"].map { " by \($0.instance.split(separator: "-").last ?? "")" } ?? ""
        self.init(
            order: journey.order, url: orderURL + journey.order,
            way: journey.partition == nil ? "–" : journey.isThroughOutbox ? "outbox" : "direct",
            place: journey.partition.map { "\($0) / \(journey.offset?.grouped() ?? "")" } ?? "–",
            visible: journey.visibleAfter.map { Readable.duration(milliseconds: $0) } ?? "–",
            shipped: after("shipping"), invoiced: after("invoicing") + invoicing, counted: after("statistics"))
    }
}
