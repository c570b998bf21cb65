import TidingsAudit

/// A table of a report: the same rows for the terminal and for the page.
struct ReportTable: Sendable {
    struct Cell: Sendable {
        var text: String
        /// The file that the cell can be traced to.
        var file: String?
        /// The table on the same page that it sums up, by its name.
        var anchor: String?
        /// It says that something is wrong.
        var isBad = false
        /// What is said below it, in small print.
        var notes: [String] = []

        init(_ text: String, file: String? = nil, anchor: String? = nil, isBad: Bool = false) {
            self.text = text
            self.file = file
            self.anchor = anchor
            self.isBad = isBad
        }
    }

    var caption: String
    /// One line above it, for newcomers.
    var sentence: String
    var head: [String]
    var rows: [[Cell]]
    /// What it sums up is not as it should be.
    var isBad = false
    /// The name by which other tables of the page lead to it.
    var anchor: String?
    /// The folder of the histories that its figures can be traced to.
    var folder: String?

    init(_ caption: String, _ sentence: String, _ head: [String], _ rows: [[Cell]]) {
        self.caption = caption
        self.sentence = sentence
        self.head = head
        self.rows = rows
    }
}

extension Comparison {
    /// The tables in the order in which the terminal shows them.
    var tables: [ReportTable] {
        [waysTable, curveTable, outageTable, totalsTable, faultsList].compactMap { $0 }
    }

    /// What the figures in front of a spread mean.
    var legend: String {
        workload.repeats > 1
            ? "A figure with a spread is the median of \(workload.repeats) runs, with the lowest and the highest in brackets."
            : "Each figure comes from a single run: there is no spread to tell noise by."
    }

    /// How long all of it took.
    var duration: String { "All of this took \(Words.time(took))." }

    private static let figuresHead = [
        "caller waits, median", "caller p99", "caller p99.9", "commit to consumer, median", "to consumer p99",
        "to consumer p99.9", "events/s at most", "CPU/event, µs", "MB",
    ]

    var waysTable: ReportTable? {
        guard !ways.isEmpty else { return nil }
        return ReportTable(
            "Three ways",
            "\(workload.rate) actions a second, each with an event of \(workload.eventSize) bytes: how long the caller "
                + "waits, and how long after the commit a consumer has the event."
                + (ways.contains(where: \.comesBeforeCommit) ? " \(Self.early)" : ""),
            ["way"] + Self.figuresHead,
            ways.map { [ReportTable.Cell("\($0.way)")] + cells($0) }
                + (exactlyOnce.map { [[ReportTable.Cell("\($0.way) (one run)")] + cells($0)] } ?? []))
    }

    /// What stands behind a time, where an event is there before it is true.
    private static let early =
        "“Early”: sent before the action, a consumer has the event so long before the commit, when it is not yet true; "
        + "p99 is the earliest but for one in a hundred."

    var curveTable: ReportTable? {
        guard !curve.isEmpty else { return nil }
        return ReportTable(
            "The outbox, from time-sensitive to throughput",
            "The relay may gather events for a while before it sends them: fewer and larger batches, and later events. One run "
                + "each.",
            ["gathers for"] + Self.figuresHead,
            curve.map { [ReportTable.Cell(Words.milliseconds($0.gathering ?? 0))] + cells($0) })
    }

    private func cells(_ figures: Figures) -> [ReportTable.Cell] {
        func latencies(_ latencies: Latencies, isEarly: Bool) -> [ReportTable.Cell] {
            [latencies.median, latencies.p99, latencies.p999].map { spread in
                guard latencies.count > 0 else { return ReportTable.Cell(Words.spread(nil, Words.milliseconds)) }
                return ReportTable.Cell(Words.spread(spread, Words.milliseconds) + (isEarly ? " early" : ""))
            }
        }
        return latencies(figures.action, isEarly: false)
            + latencies(figures.afterCommit, isEarly: figures.comesBeforeCommit)
            + [
                ReportTable.Cell(Words.spread(figures.throughput, Words.count)),
                ReportTable.Cell(Words.spread(figures.cpu, Words.count)),
                ReportTable.Cell(Words.spread(figures.memory, Words.count)),
            ]
    }

    var outageTable: ReportTable? {
        guard let outage else { return nil }
        func count(_ number: Int, _ row: Outage.Row, isBad: Bool) -> ReportTable.Cell {
            ReportTable.Cell("\(number)", file: row.file, isBad: isBad && number > 0)
        }
        var table = ReportTable(
            "Kafka away for \(Words.seconds(outage.seconds)) seconds",
            "What becomes of \(outage.rate) actions a second, when callers wait for Kafka for at most "
                + "\(Words.seconds(outage.patience)) seconds. "
                + (outage.killsBroker
                    ? "The broker was killed, and started again." : "The services' connections to it were cut.")
                + " One run each, all at once.",
            ["way", "actions", "refused", "delayed > 1 s", "lost events", "ghosts", "longest wait", "latest event"],
            outage.rows.map { row in
                [
                    ReportTable.Cell("\(row.way)"), ReportTable.Cell("\(row.actions)"),
                    count(row.refused, row, isBad: true), count(row.delayed, row, isBad: false),
                    count(row.lost, row, isBad: true), count(row.ghost, row, isBad: true),
                    ReportTable.Cell(Words.milliseconds(row.longest)),
                    ReportTable.Cell(row.latest.map(Words.milliseconds) ?? "–"),
                ]
            })
        table.folder = Self.folder(of: outage.rows.map(\.file))
        return table
    }

    /// The folder that has all of these files, in it or in folders of its own.
    private static func folder(of files: [String]) -> String? {
        guard var shared = files.first.map({ $0.split(separator: "/").dropLast() }) else { return nil }
        for file in files {
            shared = shared.prefix(zip(shared, file.split(separator: "/")).prefix { $0 == $1 }.count)
        }
        return "/" + shared.joined(separator: "/")
    }

    var totalsTable: ReportTable? {
        guard let faults else { return nil }
        return ReportTable(
            "Crashes, in sum",
            "\(faults.rows.count) trials: publisher, relay and handler killed at every step and at random moments, actions "
                + "that fail, database and Kafka away. Each way's trials stand below, one by one.",
            [
                "way", "events lost", "ghost events", "events doubled", "events reordered", "effects lost",
                "ghost effects", "effects doubled", "effects reordered",
            ],
            Way.allCases.filter { way in faults.rows.contains { $0.trial.way == way } }.map { way in
                let total = faults.total(way)
                return [ReportTable.Cell("\(way)")]
                    + Self.cells(total.events, of: way, wrong: total.events.withoutRepetitions(of: way))
                    + Self.cells(total.effects, of: way, wrong: total.effects)
            })
    }

    private static func cells(
        _ counts: SweepReport.Counts, of way: Way, wrong: SweepReport.Counts
    ) -> [ReportTable.Cell] {
        [\SweepReport.Counts.lost, \.ghost, \.doubled, \.reordered].map { kind in
            ReportTable.Cell("\(counts[keyPath: kind])", anchor: anchor(way), isBad: wrong[keyPath: kind] > 0)
        }
    }

    /// Where the trials of a way are.
    private static func anchor(_ way: Way) -> String { "trials-\(way.rawValue)" }

    /// The trials of each way, for a page that folds them away.
    var faultsTables: [ReportTable] {
        guard let faults else { return [] }
        // The page's head names the database; only where there are several is there something to tell apart.
        let tellsDatabase = Set(faults.rows.map(\.trial.database)).count > 1
        return Way.allCases.compactMap { way in
            let rows = faults.rows.filter { $0.trial.way == way }
            guard !rows.isEmpty else { return nil }
            let total = faults.total(way)
            var table = ReportTable(
                "\(way)", "\(rows.count) trials; events: \(total.events.words); effects: \(total.effects.words)",
                ["what was done to it"] + (tellsDatabase ? ["database"] : [])
                    + ["kills", "actions", "events", "effects", "history"],
                rows.map { row in
                    [Self.what(row)] + (tellsDatabase ? [ReportTable.Cell(row.trial.database)] : []) + [
                        ReportTable.Cell("\(row.kills)"), ReportTable.Cell("\(row.actions)"),
                        ReportTable.Cell(
                            row.events.words, file: row.file, isBad: !row.events.withoutRepetitions(of: way).isClean),
                        ReportTable.Cell(row.effects.words, file: row.file, isBad: !row.effects.isClean),
                        ReportTable.Cell(row.trial.name + ".json", file: row.file),
                    ]
                })
            table.anchor = Self.anchor(way)
            table.isBad = !total.events.withoutRepetitions(of: way).isClean || !total.effects.isClean
            return table
        }
    }

    /// What was done to a trial and, where something came of it, the first of what its history shows.
    private static func what(_ row: SweepReport.Row) -> ReportTable.Cell {
        let text = row.obstacle.map { "\(row.trial.fault): \($0)" } ?? "\(row.trial.fault)"
        var cell = ReportTable.Cell(text, isBad: row.obstacle != nil)
        let shown = row.findings.prefix(3)
        let rest = row.events.sum + row.effects.sum - shown.count
        cell.notes = shown + (rest > 0 ? ["and \(rest) more, in the history"] : [])
        return cell
    }

    /// The same in a line each, where there is no room for a column for each number.
    private var faultsList: ReportTable? {
        guard let faults else { return nil }
        var table = ReportTable(
            "Crashes, one by one",
            "What was counted in each history on disk; 0 where all is well. Below a row that is not all 0 stands its history's "
                + "file; those of the others are named alike, by way, database and what was done.",
            ["way", "what was done to it", "kills", "actions", "events", "effects"],
            faults.rows.map { row in
                let fault = row.obstacle.map { "\(row.trial.fault): \($0)" } ?? "\(row.trial.fault)"
                let isClean = row.events.isClean && row.effects.isClean && row.obstacle == nil
                return [
                    "\(row.trial.way)", fault, "\(row.kills)", "\(row.actions)", row.events.words, row.effects.words,
                ].map { ReportTable.Cell($0, file: isClean ? nil : row.file) }
            })
        table.folder = Self.folder(of: faults.rows.map(\.file))
        return table
    }
}
