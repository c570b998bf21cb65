import Foundation

/// Lines over common axes, as SVG that reads on light and dark pages alike.
struct LinePlot {
    /// Axes that begin at 0, or logarithmic ones, whose values are above 0.
    enum Scale { case linear, logarithmic }

    struct Line {
        let name: String
        var points: [(x: Double, y: Double)]

        var last: (x: Double, y: Double) { points.last ?? (0, 0) }
    }

    let title: String
    let lines: [Line]
    var scale = Scale.linear

    private static let colours = ["#c2410c", "#2563eb", "#15803d", "#7c3aed", "#a16207", "#0e7490"]
    private static let (width, height, left, right, top, bottom) = (720.0, 360.0, 56.0, 150.0, 44.0, 40.0)

    var svg: String {
        let (xs, ys) = (
            axis(lines.flatMap(\.points).map(\.x), isRounded: false), axis(lines.flatMap(\.points).map(\.y))
        )
        func x(_ value: Double) -> Double { Self.left + xs.share(value) * (Self.width - Self.left - Self.right) }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - ys.share(value) * (Self.height - Self.top - Self.bottom)
        }
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" \
            font-family="system-ui, sans-serif" font-size="13" fill="#808080" role="img" aria-label="\(title)">
            """,
            "<text x=\"\(Self.left)\" y=\"24\" font-size=\"15\">\(title)</text>",
        ]
        for value in ys.marks {
            let place = Self.text(y(value))
            parts.append(
                "<path d=\"M\(Self.left) \(place)H\(Self.width - Self.right)\" stroke=\"#80808055\"/>"
                    + "<text x=\"\(Self.left - 8)\" y=\"\(place)\" dy=\"4\" text-anchor=\"end\">\(Self.text(value))</text>"
            )
        }
        for value in xs.marks {
            parts.append(
                "<text x=\"\(Self.text(x(value)))\" y=\"\(Self.height - Self.bottom + 22)\" "
                    + "text-anchor=\"middle\">\(Self.text(value))</text>")
        }
        for (line, colour) in zip(lines, Self.colours) {
            let points = line.points.map { "\(Self.text(x($0.x))),\(Self.text(y($0.y)))" }
            parts.append(
                "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"\(colour)\" "
                    + "stroke-width=\"2\"/>")
            parts += points.map { point in
                let place = point.split(separator: ",")
                return "<circle cx=\"\(place[0])\" cy=\"\(place[1])\" r=\"3\" fill=\"\(colour)\"/>"
            }
        }
        // The lowest name stays beside its line's end, others move up out of its way.
        var below = Double.infinity
        for (line, colour) in zip(lines, Self.colours).sorted(by: { $0.0.last.y < $1.0.last.y }) {
            below = min(y(line.last.y), below - 16)
            parts.append(
                "<text x=\"\(Self.text(x(line.last.x) + 10))\" y=\"\(Self.text(below))\" dy=\"4\" "
                    + "fill=\"\(colour)\">\(line.name)</text>")
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private struct Axis {
        let marks: [Double]
        /// Where a value stands between the axis's ends, 0 to 1.
        let share: (Double) -> Double
    }

    /// - Parameter isRounded: whether it ends at a mark, or where the values end.
    private func axis(_ values: [Double], isRounded: Bool = true) -> Axis {
        let greatest = values.max() ?? 1
        guard scale == .logarithmic else {
            let step = Self.step(greatest)
            let end = isRounded ? (greatest / step).rounded(.up) * step : greatest
            return Axis(marks: Array(stride(from: 0, through: end + step / 100, by: step))) { $0 / end }
        }
        let powers = (log10(values.min() ?? 1).rounded(.down), log10(greatest).rounded(.up))
        let start = isRounded ? powers.0 : log10(values.min() ?? 1)
        let end = isRounded ? powers.1 : log10(greatest)
        // Powers of ten where the axis ends at one, else the values that were measured.
        let marks =
            isRounded
            ? stride(from: start, through: end, by: 1).map { pow(10, $0) } : Set(values).sorted()
        return Axis(marks: marks) { end > start ? (log10($0) - start) / (end - start) : 0 }
    }

    /// Between about four and ten steps to `greatest`, in round numbers.
    private static func step(_ greatest: Double) -> Double {
        let power = pow(10, (log10(max(greatest, 1e-9))).rounded(.down))
        let share = greatest / power
        return power * (share > 5 ? 1 : share > 2 ? 0.5 : 0.2)
    }

    private static func text(_ value: Double) -> String {
        let text = String(format: "%.1f", value)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
