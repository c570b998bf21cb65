import Metrics
import Synchronization

/// The values of one name and one set of labels.
protocol MetricSeries: AnyObject, Sendable {
    /// The lines that tell them.
    func lines(named name: String, labels: String) -> [String]
}

/// A number that only rises.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
    private let value = Mutex(0.0)

    func increment(by amount: Int64) { value.withLock { $0 += Double(amount) } }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        value.withLock { $0 += amount }
    }

    func reset() { value.withLock { $0 = 0 } }

    func lines(named name: String, labels: String) -> [String] {
        [MetricText.line(name, labels, value.withLock { $0 })]
    }
}

/// A number as it was set last.
final class GaugeSeries: MetricSeries, RecorderHandler, MeterHandler {
    private let value = Mutex(0.0)

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }

    func lines(named name: String, labels: String) -> [String] {
        [MetricText.line(name, labels, value.withLock { $0 })]
    }
}

/// How many values were at most so large, for each of some bounds; their number and sum.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    private struct Values {
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let values: Mutex<Values>

    /// - Parameter bounds: the buckets' upper bounds, rising; what is larger counts, too.
    init(_ bounds: [Double]) {
        self.bounds = bounds
        values = Mutex(Values(counts: [Int64](repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        values.withLock { values in
            values.counts[bucket] += 1
            values.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func lines(named name: String, labels: String) -> [String] {
        let values = values.withLock { $0 }
        var lines: [String] = []
        var total: Int64 = 0
        for (bound, count) in zip(bounds + [.infinity], values.counts) {
            total += count
            let label = "le=\"\(MetricText.text(bound))\""
            lines.append(
                MetricText.line("\(name)_bucket", labels.isEmpty ? label : "\(labels),\(label)", Double(total)))
        }
        lines.append(MetricText.line("\(name)_sum", labels, values.sum))
        lines.append(MetricText.line("\(name)_count", labels, Double(total)))
        return lines
    }
}
