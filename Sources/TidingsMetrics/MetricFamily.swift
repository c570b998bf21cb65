/// All series of one name, each with labels of its own.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    let kind: Kind

    /// By their labels as they are written.
    var series: [String: any MetricSeries] = [:]

    init(kind: Kind) {
        self.kind = kind
    }

    func text(named name: String) -> String {
        let lines = series.sorted { $0.key < $1.key }.flatMap { $1.lines(named: name, labels: $0) }
        return "# TYPE \(name) \(kind.rawValue)\n" + lines.map { $0 + "\n" }.joined()
    }
}

/// How names, labels and numbers are written.
enum MetricText {
    /// Letters, digits, underscores and colons, no digit first.
    static func name(_ text: String) -> String {
        let name = String(text.map { isAllowed($0) || $0 == ":" ? $0 : "_" })
        return name.first?.isNumber ?? true ? "_" + name : name
    }

    /// `a="b",c="d"`, in the order of the names, without braces.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.map { (name($0.0).replacing(":", with: "_"), escaped($0.1)) }.sorted { $0.0 < $1.0 }
            .map { "\($0)=\"\($1)\"" }.joined(separator: ",")
    }

    /// A line with a number: the name, the labels in braces if there are any, the number.
    static func line(_ name: String, _ labels: String, _ number: Double) -> String {
        (labels.isEmpty ? name : "\(name){\(labels)}") + " " + text(number)
    }

    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: number).map { "\($0)" } ?? "\(number)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private static func isAllowed(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
}
