import Foundation

/// Some measurements of one thing: median, least and greatest.
struct Spread {
    private let sorted: [Double]

    init(_ values: [Double]) {
        sorted = values.sorted()
    }

    var median: Double { quantile(0.5) }

    func quantile(_ share: Double) -> Double {
        sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    /// "median (least–greatest)".
    func text(_ digits: Int) -> String {
        func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
        return "\(number(median)) (\(number(sorted.first ?? .nan))–\(number(sorted.last ?? .nan)))"
    }
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
