import Testing
import TidingsAudit

@testable import TidingsCompare

/// Compares every figure that a page and a terminal show with the one in the JSON, cell by cell and label by label.
struct SameFigures {
    /// What was read from the JSON.
    let comparison: Comparison
    let page: ReadPage
    let text: ReadText

    func expect() throws {
        try expectFigures(
            "Three ways",
            (comparison.ways + [comparison.exactlyOnce].compactMap(\.self)).map {
                ($0.way == .outboxExactlyOnce ? "\($0.way) (one run)" : "\($0.way)", $0)
            })
        try expectFigures(
            "The outbox, from time-sensitive to throughput",
            comparison.curve.map {
                (Words.milliseconds($0.gathering ?? -1), $0)
            })
        if let outage = comparison.outage { try expect(outage) }
        if let faults = comparison.faults { try expect(faults) }
        try expectPlots()
        let recommendation = comparison.recommendation
        for sentence in [recommendation.question, recommendation.answer] + recommendation.reasons {
            #expect(text.words.contains(sentence), "\(sentence)")
        }
        #expect(text.words.hasSuffix("(All of this took \(Words.time(comparison.took)).)"))
    }

    /// A table of the page, and the same of the terminal, with the same headings.
    private func both(_ caption: String) throws -> [ReadTable] {
        let table = try page.table(caption)
        return [table, try text.table(caption, table.head)]
    }

    private func expectFigures(
        _ caption: String, _ rows: [(name: String, figures: Comparison.Figures)]
    ) throws {
        guard !rows.isEmpty else { return }
        let tables = try both(caption)
        for table in tables {
            #expect(table.rows.map(\.first?.text) == rows.map(\.name) && table.head.count == 10, "\(table)")
            for (name, figures) in rows {
                let early = figures.comesBeforeCommit ? " early" : ""
                let expected: [(String, Spread?, (Double) -> String, String)] = [
                    ("caller waits, median", figures.action.median, Words.milliseconds, ""),
                    ("caller p99", figures.action.p99, Words.milliseconds, ""),
                    ("caller p99.9", figures.action.p999, Words.milliseconds, ""),
                    ("commit to consumer, median", figures.afterCommit.median, Words.milliseconds, early),
                    ("to consumer p99", figures.afterCommit.p99, Words.milliseconds, early),
                    ("to consumer p99.9", figures.afterCommit.p999, Words.milliseconds, early),
                    ("events/s at most", figures.throughput, Words.count, ""),
                    ("CPU/event, µs", figures.cpu, Words.count, ""), ("MB", figures.memory, Words.count, ""),
                ]
                for (column, spread, words, suffix) in expected {
                    #expect(try table.cell(name, column).text == Words.spread(spread, words) + suffix)
                }
            }
        }
    }

    private func expect(_ outage: Comparison.Outage) throws {
        let caption = "Kafka away for \(Words.seconds(outage.seconds)) seconds"
        for table in try both(caption) {
            #expect(table.rows.map(\.first?.text) == outage.rows.map { "\($0.way)" } && table.head.count == 8)
            for row in outage.rows {
                let counts = [
                    ("actions", row.actions), ("refused", row.refused), ("delayed > 1 s", row.delayed),
                    ("lost events", row.lost), ("ghosts", row.ghost),
                ]
                for (column, count) in counts { #expect(try table.cell("\(row.way)", column).text == "\(count)") }
                #expect(try table.cell("\(row.way)", "longest wait").text == Words.milliseconds(row.longest))
                let latest = row.latest.map(Words.milliseconds) ?? "–"
                #expect(try table.cell("\(row.way)", "latest event").text == latest)
            }
        }
        // Zeros lead to a history, too.
        for row in try page.table(caption).rows {
            #expect(row[2...5].allSatisfy { $0.link?.hasSuffix(".json") == true }, "\(row)")
        }
        for row in outage.rows { #expect(text.words.contains(row.file.split(separator: "/").last ?? "no file")) }
    }

    private func expect(_ faults: SweepReport) throws {
        for table in try both("Crashes, in sum") {
            for way in Set(faults.rows.map(\.trial.way)) {
                let (events, effects) = faults.total(way)
                let counts = [
                    ("events lost", events.lost), ("ghost events", events.ghost), ("events doubled", events.doubled),
                    ("events reordered", events.reordered), ("effects lost", effects.lost),
                    ("ghost effects", effects.ghost), ("effects doubled", effects.doubled),
                    ("effects reordered", effects.reordered),
                ]
                for (column, count) in counts { #expect(try table.cell("\(way)", column).text == "\(count)") }
            }
        }
        for row in faults.rows {
            let table = try page.table("\(row.trial.way)")
            let name = row.obstacle.map { "\(row.trial.fault): \($0)" } ?? "\(row.trial.fault)"
            for (column, shown) in [
                ("kills", "\(row.kills)"), ("actions", "\(row.actions)"), ("events", row.events.words),
                ("effects", row.effects.words), ("history", "\(row.trial.name).json"),
            ] { #expect(try table.cell(name, column).text == shown) }
        }
    }

    private func expectPlots() throws {
        let axis = LogAxis(
            comparison.ways.flatMap { LatencyPlot.values($0.action) + LatencyPlot.values($0.visible) })
        let plots: [(String, KeyPath<Comparison.Figures, Latencies>)] = [
            ("How long the caller waits", \.action), ("From the call until a consumer has the event", \.visible),
        ]
        for (title, path) in plots {
            let drawing = try page.drawing(title)
            let rows = comparison.ways.map {
                ("\($0.way)", $0[keyPath: path].median.median, $0[keyPath: path].p99.median)
            }
            #expect(drawing.values == rows.flatMap { [Words.milliseconds($1), "p99 " + Words.milliseconds($2)] })
            #expect(drawing.dots == rows.map { Markup.number(axis.position($0.1)) })
            let label = rows.map { "\($0): median \(Words.milliseconds($1)), p99 \(Words.milliseconds($2))" }
            #expect(drawing.label == "\(title). " + label.joined(separator: "; "))
        }
        guard comparison.curve.count > 1 else { return }
        let delays = comparison.curve.map(\.afterCommit.median.median)
        for title in ["Processor time over delay", "Throughput over delay"] {
            let drawing = try page.drawing(title)
            #expect(drawing.values == comparison.curve.map { Words.milliseconds($0.gathering ?? -1) })
            #expect(drawing.dots == delays.map { Markup.number(LogAxis(delays).position($0)) })
        }
    }
}
