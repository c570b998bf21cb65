/// A figure from several runs: its median, and how far the runs lie apart.
public struct Spread: Hashable, Sendable, Codable {
    /// The middle one of the runs.
    public var median: Double
    /// The smallest.
    public var lowest: Double
    /// The largest.
    public var highest: Double

    /// The spread of the values of several runs; zero when there are none.
    public init(_ values: [Double]) {
        let sorted = values.sorted()
        lowest = sorted.first ?? 0
        highest = sorted.last ?? 0
        let middle = sorted.count / 2
        median =
            sorted.isEmpty
            ? 0 : sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Whether the difference to another is no more than runs of the same differ among themselves: their ranges overlap,
    /// or it is less than a tenth.
    public func isWithinNoise(of other: Spread) -> Bool {
        if lowest <= other.highest && other.lowest <= highest { return true }
        return abs(median - other.median) < 0.1 * max(abs(median), abs(other.median))
    }
}
