/// What a setting of the relay brings, against what it costs in time: one point for each setting.
struct CurvePlot: Sendable {
    struct Point: Sendable {
        var name: String
        var milliseconds: Double
        var value: Double
        /// From here on there is next to nothing more to be had.
        var isBend = false
    }

    var title: String
    /// What stands upright, with its unit.
    var upright: String
    var points: [Point]

    private static let top = 34.0
    private static let height = 180.0

    var svg: String {
        let axis = LogAxis(points.map(\.milliseconds))
        let highest = Self.round(1.15 * (points.map(\.value).max() ?? 1))
        func y(_ value: Double) -> Double { Self.top + Self.height * (1 - value / highest) }
        let bottom = Self.top + Self.height
        var parts = axis.ticks.flatMap { tick -> [String] in
            let x = axis.position(tick)
            return [
                Markup.line(x, Self.top, x, bottom, "grid"), Markup.text(x, bottom + 16, LogAxis.words(tick), "tick"),
            ]
        }
        for part in [0, 0.5, 1] {
            parts.append(Markup.line(3, y(highest * part), 97, y(highest * part), "grid"))
            parts.append(Markup.text(3, y(highest * part) - 3, Words.count(highest * part), "tick"))
        }
        parts.append(Markup.text(0, 12, upright, "name"))
        for (from, to) in zip(points, points.dropFirst()) {
            parts.append(
                Markup.line(
                    axis.position(from.milliseconds), y(from.value), axis.position(to.milliseconds), y(to.value),
                    "curve"))
        }
        for (index, point) in points.enumerated() {
            let x = axis.position(point.milliseconds)
            if point.isBend {
                parts.append(Markup.line(x, Self.top, x, bottom, "bend"))
                parts.append(Markup.text(x, Self.top - 3, "the bend", "tick"))
            }
            parts.append(Markup.dot(x, y(point.value)))
            parts.append(Markup.text(x, y(point.value) + (index.isMultiple(of: 2) ? -10 : 20), point.name, "value"))
        }
        parts.append(Markup.text(97, bottom + 34, "from the commit until a consumer has the event, median", "tick"))
        return Markup.drawing(bottom + 42, title, parts)
    }

    /// The next number with one digit, or one and a half.
    private static func round(_ value: Double) -> Double {
        var unit = 1.0
        while unit * 10 < value { unit *= 10 }
        return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map { $0 * unit }.first { $0 >= value } ?? 10 * unit
    }
}
