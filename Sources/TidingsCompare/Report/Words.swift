/// Figures as people read them: three digits, and a unit.
enum Words {
    /// A duration given in milliseconds.
    static func milliseconds(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0 ms"
        case ..<1: "\(rounded(value, 2)) ms"
        case ..<10: "\(rounded(value, 1)) ms"
        case ..<10_000: "\(rounded(value, 0)) ms"
        default: "\(rounded(value / 1000, 1)) s"
        }
    }

    /// A duration given in seconds, without its unit: with a digit behind the point where it is short and has one.
    static func seconds(_ value: Double) -> String {
        value < 10 && value != value.rounded() ? rounded(value, 1) : rounded(value, 0)
    }

    /// A duration given in seconds that may be minutes.
    static func time(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return whole < 60 ? "\(Self.seconds(seconds)) s" : "\(whole / 60) min \(whole % 60) s"
    }

    /// A whole number, with its thousands apart.
    static func count(_ value: Double) -> String {
        var digits = String(Int(value.rounded()).magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (value.rounded() < 0 ? "−" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// A median with the ends of its spread.
    static func spread(_ spread: Spread, _ words: (Double) -> String) -> String {
        let (low, middle, high) = (words(spread.lowest), words(spread.median), words(spread.highest))
        return low == high ? middle : "\(middle) (\(unitless(low))–\(unitless(high)))"
    }

    /// The same of what may not have been measured, and is a dash then.
    static func spread(_ spread: Spread?, _ words: (Double) -> String) -> String {
        guard let spread else { return "–" }
        return self.spread(spread, words)
    }

    /// How much larger the one is than the other.
    static func factor(_ larger: Double, _ smaller: Double) -> String {
        guard smaller > 0 else { return "many" }
        let factor = larger / smaller
        return "\(rounded(factor, factor < 10 ? 1 : 0))"
    }

    /// With so many digits behind the point.
    static func rounded(_ value: Double, _ digits: Int) -> String {
        let scale = [1.0, 10, 100, 1000][min(max(digits, 0), 3)]
        let number = (value.magnitude * scale).rounded()
        let sign = value < 0 && number > 0 ? "−" : ""
        let whole = Int(number / scale)
        guard digits > 0 else { return "\(sign)\(whole)" }
        let rest = String(Int(number) - whole * Int(scale))
        return "\(sign)\(whole).\(String(repeating: "0", count: digits - rest.count))\(rest)"
    }

    private static func unitless(_ text: String) -> String { String(text.split(separator: " ").first ?? "") }
}
