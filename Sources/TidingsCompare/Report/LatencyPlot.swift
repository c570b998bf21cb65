/// Latencies of several ways below each other on one logarithmic axis: a line from the fastest percent to the slowest
/// thousandth of all runs together, thick where the middle half is; a dot at the median, a bar at p99, as the tables have
/// them.
struct LatencyPlot: Sendable {
    var title: String
    var rows: [(name: String, latencies: Latencies)]
    var axis: LogAxis

    private static let rowHeight = 64.0

    /// All that must find room on an axis.
    static func values(_ latencies: Latencies) -> [Double] {
        latencies.distribution.map(\.milliseconds) + [latencies.median.median, latencies.p99.median]
    }

    var svg: String {
        let height = Double(rows.count) * Self.rowHeight
        var parts = axis.ticks.flatMap { tick -> [String] in
            let x = axis.position(tick)
            return [Markup.line(x, 0, x, height, "grid"), Markup.text(x, height + 16, LogAxis.words(tick), "tick")]
        }
        for (index, row) in rows.enumerated() {
            parts += drawing(of: row.latencies, named: row.name, from: Double(index) * Self.rowHeight)
        }
        let label = rows.map { row in
            "\(row.name): median \(Words.milliseconds(row.latencies.median.median)), "
                + "p99 \(Words.milliseconds(row.latencies.p99.median))"
        }
        return Markup.drawing(height + 24, "\(title). \(label.joined(separator: "; "))", parts)
    }

    private func drawing(of latencies: Latencies, named name: String, from top: Double) -> [String] {
        let points = Dictionary(latencies.distribution.map { ($0.percent, $0.milliseconds) }) { first, _ in first }
        func x(_ percent: Double) -> Double { axis.position(points[percent] ?? 0) }
        let y = top + 36
        guard !points.isEmpty else { return [Markup.text(1, y, "\(name): nothing was measured", "name")] }
        let (median, p99) = (axis.position(latencies.median.median), axis.position(latencies.p99.median))
        return [
            "<text class=\"name\" x=\"0\" y=\"\(Markup.number(top + 14))\">\(Markup.escaped(name))</text>",
            Markup.line(x(1), y, x(99.9), y, "range"), Markup.line(x(25), y, x(75), y, "middle"),
            Markup.line(p99, y - 7, p99, y + 7, "p99"), Markup.dot(median, y),
            Markup.text(median, y - 9, Words.milliseconds(latencies.median.median), "value"),
            Markup.text(p99, y + 20, "p99 " + Words.milliseconds(latencies.p99.median), "value"),
        ]
    }
}
