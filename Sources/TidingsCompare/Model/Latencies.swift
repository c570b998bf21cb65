import Histogram

/// How long something took, over many events and several runs, in milliseconds.
public struct Latencies: Hashable, Sendable, Codable {
    /// So many percent took no longer than that.
    public struct Point: Hashable, Sendable, Codable {
        public var percent: Double
        public var milliseconds: Double
    }

    /// Half took no longer.
    public var median: Spread
    /// 99 in 100 took no longer.
    public var p99: Spread
    /// 999 in 1000 took no longer.
    public var p999: Spread
    /// All runs taken together, from the fastest percent to the slowest tenth of a percent.
    public var distribution: [Point]
    /// How many events were measured.
    public var count: Int

    static let percents = [1.0, 5, 10, 25, 50, 75, 90, 95, 99, 99.9]

    /// - Parameter runs: the nanoseconds of each run.
    init(_ runs: [[Int64]]) {
        let histograms = runs.filter { !$0.isEmpty }.map(Self.histogram)
        func spread(_ percent: Double) -> Spread {
            Spread(histograms.map { Double($0.valueAtPercentile(percent)) / 1e6 })
        }
        median = spread(50)
        p99 = spread(99)
        p999 = spread(99.9)
        count = runs.reduce(0) { $0 + $1.count }
        guard count > 0 else {
            distribution = []
            return
        }
        let all = Self.histogram(runs.flatMap { $0 })
        distribution = Self.percents.map {
            Point(percent: $0, milliseconds: Double(all.valueAtPercentile($0)) / 1e6)
        }
    }

    private static func histogram(_ nanoseconds: [Int64]) -> Histogram<UInt32> {
        var histogram = Histogram<UInt32>(numberOfSignificantValueDigits: .three)
        for value in nanoseconds { histogram.record(UInt64(max(0, value))) }
        return histogram
    }
}
