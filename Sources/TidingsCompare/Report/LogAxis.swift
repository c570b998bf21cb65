import Foundation

/// A logarithmic axis of milliseconds, in percent of a drawing's width.
struct LogAxis: Sendable {
    /// The ends, powers of ten.
    let lowest: Double
    let highest: Double

    private static let margin = 3.0

    /// From the power of ten below all values to the one above.
    init(_ values: [Double]) {
        let positive = values.filter { $0 > 0 }
        let low = floor(log10(positive.min() ?? 0.1))
        lowest = pow(10, low)
        highest = pow(10, max(ceil(log10(positive.max() ?? 1)), low + 1))
    }

    /// Where a value is.
    func position(_ value: Double) -> Double {
        let part = log10(max(value, lowest) / lowest) / log10(highest / lowest)
        return Self.margin + min(part, 1) * (100 - 2 * Self.margin)
    }

    /// The powers of ten.
    var ticks: [Double] {
        let count = Int(log10(highest / lowest).rounded())
        return (0...count).map { lowest * pow(10, Double($0)) }
    }

    /// A tick in words.
    static func words(_ value: Double) -> String {
        switch value {
        case ..<0.9: Words.rounded(value * 1000, 0) + " µs"
        case ..<900: Words.rounded(value, 0) + " ms"
        default: Words.rounded(value / 1000, 0) + " s"
        }
    }
}

/// A tag of SVG or HTML, its text escaped.
enum Markup {
    static func escaped(_ text: String) -> String {
        // By scalars: a mark that a letter wears must not hide it.
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.flatMap { scalar -> String.UnicodeScalarView in
                    switch scalar {
                    case "&": "&amp;".unicodeScalars
                    case "<": "&lt;".unicodeScalars
                    case ">": "&gt;".unicodeScalars
                    case "\"": "&quot;".unicodeScalars
                    default: String.UnicodeScalarView([scalar])
                    }
                }))
    }

    /// A number for an attribute.
    static func number(_ value: Double) -> String { Words.rounded(value, 2) }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) -> String {
        "<line class=\"\(style)\" x1=\"\(number(x1))%\" y1=\"\(number(y1))\" x2=\"\(number(x2))%\" y2=\"\(number(y2))\"/>"
    }

    /// Text that stays inside the drawing: at its edges it is aligned to them.
    static func text(_ x: Double, _ y: Double, _ text: String, _ style: String = "") -> String {
        let anchor = x < 12 ? "start" : x > 88 ? "end" : "middle"
        return
            "<text class=\"\(style)\" x=\"\(number(x))%\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>"
    }

    static func dot(_ x: Double, _ y: Double) -> String {
        "<circle class=\"median\" cx=\"\(number(x))%\" cy=\"\(number(y))\" r=\"5\"/>"
    }

    /// A drawing as wide as its place, and so many pixels high; its parts lie in percent of the width.
    static func drawing(_ height: Double, _ label: String, _ parts: [String]) -> String {
        "<svg role=\"img\" aria-label=\"\(escaped(label))\" width=\"100%\" height=\"\(number(height))\">"
            + parts.joined(separator: "\n") + "</svg>"
    }
}
