import Testing

/// A table as its readers see it: cells found by the name of their row and the heading of their column.
struct ReadTable {
    struct Cell {
        var text: String
        var link: String?
        var isBad = false
    }

    var caption: String
    var head: [String]
    var rows: [[Cell]]

    /// The one cell there; no row and no column may be there twice.
    func cell(_ row: String, _ column: String) throws -> Cell {
        let rows = rows.filter { $0.first?.text == row }
        let columns = head.indices.filter { head[$0] == column }
        try #require(rows.count == 1 && columns.count == 1, "\(caption): \(rows.count) × \(row), \(columns) \(column)")
        return rows[0][columns[0]]
    }
}

/// The tables and drawings of a page, read strictly: what is not as expected is an error, not passed over.
struct ReadPage {
    struct Drawing {
        var label: String
        /// What stands at its dots and bars.
        var values: [String]
        /// Where its dots are, in percent of its width.
        var dots: [String]
    }

    var tables: [ReadTable] = []
    var drawings: [Drawing] = []

    init(_ page: String) throws {
        for match in page.matches(of: #/<table>\s*(.*?)\s*</table>/#.dotMatchesNewlines()) {
            tables.append(try Self.table(String(match.1)))
        }
        for match in page.matches(of: #/<svg role="img" aria-label="([^"]*)"[^>]*>(.*?)</svg>/#.dotMatchesNewlines()) {
            drawings.append(
                Drawing(
                    label: try Self.plain(String(match.1)),
                    values: try match.2.matches(of: #/<text class="value"[^>]*>([^<]*)</text>/#).map {
                        try Self.plain(String($0.1))
                    },
                    dots: match.2.matches(of: #/<circle class="median" cx="([^"]*)%"/#).map { String($0.1) }))
        }
        try #require(tables.count == page.components(of: "<table") && drawings.count == page.components(of: "<svg"))
    }

    /// The table of that name.
    func table(_ caption: String) throws -> ReadTable {
        try #require(tables.filter { $0.caption == caption }.count == 1, "\(caption) in \(tables.map(\.caption))")
        return try #require(tables.first { $0.caption == caption })
    }

    /// The drawing whose label begins so.
    func drawing(_ title: String) throws -> Drawing {
        try #require(drawings.first { $0.label.hasPrefix(title) }, "\(drawings.map(\.label))")
    }

    private static func table(_ text: String) throws -> ReadTable {
        let whole = #/<caption[^>]*>([^<]*)</caption>\s*<thead><tr>(.*?)</tr></thead>\s*<tbody>(.*)</tbody>/#
            .dotMatchesNewlines()
        let match = try #require(text.wholeMatch(of: whole), "\(text.prefix(200))")
        let head = try match.2.matches(of: #/<th scope="col">([^<]*)</th>/#).map { try plain(String($0.1)) }
        let rows = match.3.matches(of: #/<tr>(.*?)</tr>/#).map { String($0.1) }
        try #require(rows.count == text.components(of: "<tr>") - 1)
        return ReadTable(
            caption: try plain(String(match.1)), head: head,
            rows: try rows.map { row in
                let cells = row.matches(of: #/<td( class="bad")? data-label="([^"]*)">(.*?)</td>/#)
                try #require(cells.count == row.components(of: "<td"))
                // On a phone each cell says for itself which column it is.
                #expect(try cells.map { try plain(String($0.2)) } == head)
                return try cells.map { try cell(String($0.3), isBad: $0.1 != nil) }
            })
    }

    private static func cell(_ content: String, isBad: Bool) throws -> ReadTable.Cell {
        // Small print that is no spread says more than the figure.
        let figure = content.replacing(#/<small>[^(<][^<]*</small>/#, with: "")
            .replacing("<small>", with: "").replacing("</small>", with: "")
        #expect(figure.contains("▲") == isBad)
        let bare = figure.replacing("▲ ", with: "")
        guard let link = bare.wholeMatch(of: #/<a href="([^"]*)">([^<]*)</a>/#) else {
            return ReadTable.Cell(text: try plain(bare), isBad: isBad)
        }
        return ReadTable.Cell(text: try plain(String(link.2)), link: String(link.1), isBad: isBad)
    }

    /// Text without its escapes; a tag in it is an error.
    private static func plain(_ text: String) throws -> String {
        try #require(!text.contains("<") && !text.contains(">"), "\(text)")
        return text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&amp;", with: "&")
    }
}

/// The tables of a terminal, whose columns stand two blanks apart.
struct ReadText {
    var lines: [String]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The table of that name with these headings, beside or below each other; it may come in several parts.
    func table(_ caption: String, _ head: [String]) throws -> ReadTable {
        let start = try #require(lines.firstIndex(of: caption.uppercased()), "no \(caption)")
        var parts: [[[String]]] = []
        var isInside = false
        for line in lines[(start + 1)...] {
            let cells = line.split(separator: #/ {2,}/#).map(String.init)
            if cells.first == head[0] {
                parts.append([cells])
                isInside = true
            } else if line.isEmpty {
                isInside = false
            } else if isInside, !line.hasPrefix(" ") {
                parts[parts.count - 1].append(cells)
            } else if !parts.isEmpty, !isInside {
                break  // What comes after it.
            }
        }
        for part in parts { try #require(part.allSatisfy { $0.count == part[0].count }, "\(part)") }
        var rows = parts.first?.dropFirst().map(\.self) ?? []
        if parts.first?.first != head {
            // Where a row is a column, the headings stand below each other.
            rows = try parts.flatMap { part in
                try #require(part.map { $0[0] } == head, "\(part)")
                return part[0].indices.dropFirst().map { column in part.map { $0[column] } }
            }
        }
        return ReadTable(caption: caption, head: head, rows: rows.map { $0.map { ReadTable.Cell(text: $0) } })
    }

    /// The words of it, however they are broken into lines.
    var words: String { lines.joined(separator: " ").split(separator: " ").joined(separator: " ") }
}

extension String {
    /// How often something is in it.
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
