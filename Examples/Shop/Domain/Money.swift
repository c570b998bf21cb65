/// An amount in whole cents, so that sums are exact.
struct Money: Hashable, Comparable, Sendable {
    var cents: Int

    init(cents: Int) {
        self.cents = cents
    }

    /// Reads "12", "12.5" or "12.50" (a comma works too), or what ``formatted`` writes, "€ 1,234.50"; nil for anything else,
    /// or more than two decimals.
    init?(text: String) {
        var text = text.hasPrefix("€") ? text.dropFirst().trimmed : text
        if text.wholeMatch(of: /[0-9]{1,3}(,[0-9]{3})+\.[0-9]{2}/) != nil { text.removeAll { $0 == "," } }
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "," }
        guard parts.count <= 2, let whole = Int(parts[0]), parts[0].allSatisfy(\.isNumber) else { return nil }
        let decimals = parts.count == 2 ? parts[1] : "0"
        guard (1...2).contains(decimals.count), let fraction = Int(decimals), decimals.allSatisfy(\.isNumber) else {
            return nil
        }
        let (euros, overflow) = whole.multipliedReportingOverflow(by: 100)
        guard !overflow, euros <= Int.max - 100 else { return nil }
        cents = euros + (decimals.count == 1 ? fraction * 10 : fraction)
    }

    /// The amount as a price is written: "€ 1,234.50".
    var formatted: String { "€ " + decimal(groupedBy: ",") }

    /// The amount as one types it: "1234.50".
    var plain: String { decimal(groupedBy: "") }

    private func decimal(groupedBy separator: String) -> String {
        let magnitude = cents.magnitude
        let fraction = magnitude % 100
        let sign = cents < 0 ? "−" : ""
        return "\(sign)\((magnitude / 100).grouped(by: separator)).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    static func < (left: Money, right: Money) -> Bool { left.cents < right.cents }
}

extension BinaryInteger {
    /// The digits in groups of three, as in "12,345".
    func grouped(by separator: String = ",") -> String {
        let digits = Array(String(magnitude))
        var text = self < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += separator }
            text.append(digit)
        }
        return text
    }
}
