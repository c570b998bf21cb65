import TidingsAudit

/// A comparison for the terminal.
public struct TextReport: Sendable {
    private let comparison: Comparison
    private let width: Int

    /// - Parameter width: how many characters fit beside each other.
    public init(_ comparison: Comparison, width: Int = 100) {
        self.comparison = comparison
        self.width = width
    }

    /// All of it.
    public var text: String {
        let place = comparison.place
        var parts = ["\(place.kafka)\n\(place.database)\n\(place.machine)"]
        if !place.isRelease, !comparison.ways.isEmpty {
            parts.append("This program was not built for speed: its figures are no measure.")
        }
        parts += comparison.tables.map(text)
        if !comparison.failures.isEmpty {
            parts.append("NOT AS PROMISED\n" + comparison.failures.map { "  \($0)" }.joined(separator: "\n"))
        }
        let recommendation = comparison.recommendation
        parts.append(recommendation.question)
        parts.append(recommendation.reasons.map { wrapped("- \($0)") }.joined(separator: "\n"))
        parts.append(wrapped(recommendation.answer))
        parts.append("(\(comparison.duration))")
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func text(_ table: ReportTable) -> String {
        let rows = table.rows.map { $0.map(\.text) }
        // More columns than fit beside each other are shown one below the other.
        let widths = table.head.indices.map { column in
            ([table.head] + rows).map { $0[column].count }.max() ?? 0
        }
        let isWide = widths.reduce(0, +) + 2 * widths.count > width
        let heading = table.caption.uppercased() + "\n" + wrapped(table.sentence)
        return heading + "\n" + (isWide ? turned(table.head, rows) : aligned([table.head] + rows, widths))
    }

    private func aligned(_ rows: [[String]], _ widths: [Int]) -> String {
        let isFigure = widths.indices.map { column in
            rows.dropFirst().allSatisfy { $0[column].first?.isNumber ?? true }
        }
        return rows.map { row in
            row.indices.map { column in
                // Words to the left, figures to the right.
                padded(row[column], widths[column], isLeft: column == 0 || !isFigure[column])
            }.joined(separator: "  ").trimmedRight
        }.joined(separator: "\n")
    }

    /// A column for each row.
    private func turned(_ head: [String], _ rows: [[String]]) -> String {
        let turned = head.indices.map { column in [head[column]] + rows.map { $0[column] } }
        let widths = (turned.first ?? []).indices.map { column in turned.map { $0[column].count }.max() ?? 0 }
        guard widths.reduce(0, +) + 2 * widths.count <= max(width, 80) else {
            return rows.map { row in
                zip(head, row).map { "  \($0): \($1)" }.joined(separator: "\n")
            }.joined(separator: "\n\n")
        }
        return aligned(turned, widths)
    }

    private func padded(_ text: String, _ width: Int, isLeft: Bool) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return isLeft ? text + space : space + text
    }

    private func wrapped(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count + 1 > width, !lines[lines.count - 1].isEmpty {
                lines.append("")
            }
            lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
        }
        return lines.joined(separator: "\n")
    }
}

extension String {
    fileprivate var trimmedRight: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
