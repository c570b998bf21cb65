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
        if !comparison.ways.isEmpty { parts.append(wrapped(comparison.legend)) }
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
        let folder = table.folder.map { "\nHistories: \($0)" } ?? ""
        let heading = table.caption.uppercased() + "\n" + wrapped(table.sentence) + folder + "\n"
        let files = table.rows.map { row in file(of: row, in: table.folder) }
        guard isWide else {
            let lines = aligned([table.head] + rows, widths)
            return heading
                + zip(lines, [nil] + files).flatMap { [$0, $1].compactMap(\.self) }.joined(separator: "\n")
        }
        return heading + (turned(table.head, rows) + files.compactMap(\.self)).joined(separator: "\n")
    }

    /// The file that a row can be traced to, as seen from the folder of all of them.
    private func file(of row: [ReportTable.Cell], in folder: String?) -> String? {
        guard let file = row.lazy.compactMap(\.file).first else { return nil }
        return "    " + (folder.map { file.hasPrefix("\($0)/") ? String(file.dropFirst($0.count + 1)) : file } ?? file)
    }

    private func aligned(_ rows: [[String]], _ widths: [Int]) -> [String] {
        let isFigure = widths.indices.map { column in
            rows.dropFirst().allSatisfy { $0[column].first.map { $0.isNumber || $0 == "–" } ?? true }
        }
        return rows.map { row in
            row.indices.map { column in
                // Words to the left, figures to the right.
                padded(row[column], widths[column], isLeft: column == 0 || !isFigure[column])
            }.joined(separator: "  ").trimmedRight
        }
    }

    /// How many rows can become columns and still be told apart.
    private static let mostColumns = 8

    /// A column for each row, in as many parts as it takes for them to fit.
    private func turned(_ head: [String], _ rows: [[String]]) -> [String] {
        let names = head.map(\.count).max() ?? 0
        let widths = rows.map { row in row.map(\.count).max() ?? 0 }
        guard rows.count <= Self.mostColumns, names + 2 + (widths.max() ?? 0) <= max(width, 80) else {
            return rows.flatMap { row in zip(head, row).map { "  \($0): \($1)" } + [""] }.dropLast()
        }
        var parts: [[Int]] = []
        var room = 0
        for (index, width) in widths.enumerated() {
            room -= width + 2
            if room < 0 {
                parts.append([])
                room = max(self.width, 80) - names - width - 2
            }
            parts[parts.count - 1].append(index)
        }
        return Array(
            parts.map { part in
                let lines = head.indices.map { column in [head[column]] + part.map { rows[$0][column] } }
                return aligned(lines, [names] + part.map { widths[$0] })
            }.joined(separator: [""]))
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
