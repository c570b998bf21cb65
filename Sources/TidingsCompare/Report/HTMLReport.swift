import TidingsAudit

/// A comparison as one page that needs nothing else: no network, no script, good on paper and in the dark.
///
/// Its figures are those of ``Comparison``, through the tables that the terminal shows too.
public struct HTMLReport: Sendable {
    private let comparison: Comparison
    private let folder: String

    /// The page of a comparison.
    ///
    /// - Parameter folder: where the page will be, an absolute path: its links to histories are relative to it, so that
    ///   both can travel together.
    public init(_ comparison: Comparison, in folder: String) {
        self.comparison = comparison
        self.folder = folder
    }

    /// All of it.
    public var page: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Three ways of sending, measured</title>
        <style>
        \(ReportStyle.css)
        </style>
        </head>
        <body>
        <main>
        \(([head] + latencies + [table(comparison.waysTable), curve] + rest + [answer]).joined(separator: "\n"))
        </main>
        </body>
        </html>

        """
    }

    private var head: String {
        let place = comparison.place
        let warning =
            place.isRelease || comparison.ways.isEmpty
            ? "" : "<p class=\"bad\">▲ This program was not built for speed: its figures are no measure.</p>"
        return """
            <h1>Three ways of sending, measured</h1>
            <p>A service does something in its database, and tells others with an event. It can send the event after the \
            action, before it, or write it into an outbox in the action's own transaction, from which a relay sends it. \
            This is what each costs and risks on your machine; <a href="#answer">the answer is at the end</a>.</p>
            <p class="quiet">\(escaped(place.time)) · \(escaped(place.machine))<br>\
            \(escaped(place.kafka))<br>database: \(escaped(place.database))</p>
            \(warning)
            """
    }

    // MARK: Plots

    private var latencies: [String] {
        guard !comparison.ways.isEmpty else { return [] }
        let axis = LogAxis(comparison.ways.flatMap { LatencyPlot.values($0.action) + LatencyPlot.values($0.visible) })
        func plot(_ title: String, _ latencies: (Comparison.Figures) -> Latencies) -> String {
            LatencyPlot(title: title, rows: comparison.ways.map { ("\($0.way)", latencies($0)) }, axis: axis).svg
        }
        return [
            section(
                "How long the caller waits",
                "Sent directly, the caller waits for Kafka's answer too; with the outbox only for the database.",
                plot("How long the caller waits") { $0.action }),
            section(
                "When a consumer has the event", early,
                plot("From the call until a consumer has the event") { $0.visible }
                    + "<p class=\"quiet\">Drawn from the call, where all three begin, on the same logarithmic axis; the table "
                    + "and the answer below count from the commit. Dot: median. Bar: p99. Thick: the middle half. Line: from the fastest percent to the slowest "
                    + "thousandth.</p>"),
        ]
    }

    private var early: String {
        guard let before = comparison.ways.first(where: { $0.way == .beforeAction && $0.comesBeforeCommit }) else {
            return "Each event takes its way through Kafka to a consumer on this machine."
        }
        return
            "Each event takes its way through Kafka to a consumer on this machine. Sent before the action it is there "
            + "\(Words.milliseconds(before.afterCommit.median.median)) before what it tells of is true."
    }

    private var curve: String {
        guard comparison.curve.count > 1 else { return "" }
        let bend = TradeOff(comparison.curve)?.bend?.gathering
        func plot(_ title: String, _ upright: String, _ value: (Comparison.Figures) -> Double?) -> String {
            let points = comparison.curve.compactMap { figures in
                value(figures).map {
                    CurvePlot.Point(
                        name: Words.milliseconds(figures.gathering ?? 0),
                        milliseconds: figures.afterCommit.median.median, value: $0,
                        isBend: bend != nil && figures.gathering == bend)
                }
            }
            return points.count > 1 ? CurvePlot(title: title, upright: upright, points: points).svg : ""
        }
        let table = comparison.curveTable
        return section(
            table?.caption ?? "", table?.sentence ?? "",
            plot("Processor time over delay", "µs of processor time for an event") { $0.cpu.median }
                + plot("Throughput over delay", "events a second, at most") { $0.throughput?.median })
            + self.table(table, hasHeading: false)
    }

    // MARK: Tables

    private var rest: [String] {
        [table(comparison.outageTable), table(comparison.totalsTable), trials]
    }

    /// The trials one by one, folded away: a line for each way, and its rows behind it.
    private var trials: String {
        let tables = comparison.faultsTables
        guard let faults = comparison.faults, !tables.isEmpty else { return "" }
        let parts = tables.map { table in
            let mark = table.isBad ? " class=\"bad\"" : ""
            return """
                <details>
                <summary>\(escaped(table.caption)): <span\(mark)>\(escaped(table.sentence))</span></summary>
                \(self.table(table, hasHeading: false, style: "table trials"))
                </details>
                """
        }
        return section(
            "Crashes, one by one",
            "Open a way to see its trials; 0 is where all is well. \(whereHistoriesAre(faults))",
            parts.joined(separator: "\n"))
    }

    private func whereHistoriesAre(_ faults: SweepReport) -> String {
        guard let file = faults.rows.first?.file else { return "" }
        let link = Link(to: file, from: folder)
        let place = link.isBeside ? "\(link.folder) beside this page" : "\(link.folder), as seen from this page"
        return
            "Each number was counted in the history that its row names, a file in the folder \(place). Send that folder "
            + "along with the page, or its links lead nowhere."
    }

    private func table(_ table: ReportTable?, hasHeading: Bool = true, style: String = "table") -> String {
        guard let table, !table.rows.isEmpty else { return "" }
        let head = table.head.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
        let rows = table.rows.map { row in
            "<tr>" + zip(table.head, row).map(cell).joined() + "</tr>"
        }
        // A link to what is folded away unfolds it.
        let anchor = table.anchor.map { " id=\"\($0)\"" } ?? ""
        let html = """
            <div\(anchor) class="\(style)" role="region" aria-label="\(escaped(table.caption))" tabindex="0">
            <table>
            <caption\(hasHeading ? " class=\"hidden\"" : "")>\(escaped(table.caption))</caption>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            </div>
            """
        return hasHeading ? section(table.caption, table.sentence, html) : html
    }

    private func cell(_ label: String, _ cell: ReportTable.Cell) -> String {
        var content = escaped(cell.text)
        // The spread stands on a line of its own.
        if let spread = content.firstIndex(of: "("), content.first?.isNumber == true {
            content.insert(contentsOf: "<small>", at: spread)
            content += "</small>"
        }
        if cell.isBad { content = "▲ \(content)" }
        let address = cell.file.map { Link(to: $0, from: folder).address } ?? cell.anchor.map { "#\($0)" }
        if let address { content = "<a href=\"\(escaped(address))\">\(content)</a>" }
        content += cell.notes.map { "<small>\(escaped($0))</small>" }.joined()
        return "<td\(cell.isBad ? " class=\"bad\"" : "") data-label=\"\(escaped(label))\">\(content)</td>"
    }

    // MARK: The answer

    private var answer: String {
        let recommendation = comparison.recommendation
        let broken = comparison.failures
        let promises =
            broken.isEmpty
            ? "" : "<ul class=\"bad\">" + broken.map { "<li>▲ \(escaped($0))</li>" }.joined() + "</ul>"
        return """
            <section id="answer">
            <h2>\(escaped(recommendation.question))</h2>
            \(promises)
            <ul>
            \(recommendation.reasons.map { "<li>\(escaped($0))</li>" }.joined(separator: "\n"))
            </ul>
            <p class="answer">\(escaped(recommendation.answer))</p>
            <p class="quiet">\(escaped(comparison.legend)) Two figures whose ranges overlap, or that differ by less than a \
            tenth, are called within noise. Processor time and memory are the service's, with its relay; a database server's \
            are its own. \(escaped(comparison.duration))</p>
            </section>
            """
    }

    private func section(_ title: String, _ sentence: String, _ content: String) -> String {
        "<section><h2>\(escaped(title))</h2><p>\(escaped(sentence))</p>\(content)</section>"
    }

    private func escaped(_ text: String) -> String { Markup.escaped(text) }
}
