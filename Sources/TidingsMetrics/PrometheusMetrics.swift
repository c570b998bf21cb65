import Metrics
import Synchronization

/// Keeps what a program's metrics say, and tells it as text in the format that Prometheus and its kin read.
///
/// ```swift
/// let metrics = PrometheusMetrics()
/// MetricsSystem.bootstrap(metrics)              // once, before anything is measured
/// router.get("metrics") { _, _ in               // Hummingbird's
///     Response(
///         status: .ok, headers: [.contentType: PrometheusMetrics.contentType],
///         body: .init(byteBuffer: ByteBuffer(string: metrics.text())))
/// }
/// ```
///
/// Counters are counters, gauges and meters gauges, recorders and timers histograms; timers tell seconds, whatever was
/// recorded. Characters that Prometheus does not take in a name become underscores. What has once got a name as one kind
/// of metric is ignored under it as another.
///
/// A label's values stay until the metric is destroyed: do not use what comes from outside, such as keys, as labels.
public final class PrometheusMetrics: MetricsFactory {
    /// The media type of ``text()``, version 0.0.4 of the format.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The upper bounds of the histograms' buckets.
    public struct Buckets: Sendable {
        /// Of timers, in seconds, rising.
        public var seconds: [Double] = [
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
        ]

        /// Of recorders, rising.
        public var values: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]

        /// The defaults.
        public init() {}
    }

    private let families = Mutex<[String: MetricFamily]>([:])
    private let buckets: Buckets

    /// - Parameter buckets: the upper bounds of the histograms' buckets.
    public init(buckets: Buckets = Buckets()) {
        self.buckets = buckets
    }

    /// All metrics as they are now, in the order of their names.
    public func text() -> String {
        families.withLock { $0 }.sorted { $0.key < $1.key }.map { $1.text(named: $0) }.joined()
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { GaugeSeries() } ?? NOOPMetricsHandler.instance
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if !aggregate { return series(label, dimensions, .gauge) { GaugeSeries() } ?? NOOPMetricsHandler.instance }
        let bounds = buckets.values
        return series(label, dimensions, .histogram) { HistogramSeries(bounds) } ?? NOOPMetricsHandler.instance
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let bounds = buckets.seconds
        return series(label, dimensions, .histogram) { HistogramSeries(bounds) } ?? NOOPMetricsHandler.instance
    }

    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries? {
        series(label, dimensions, .counter) { CounterSeries() }
    }

    /// The series of a name and labels: the one that is there, or a new one; nil when the name is another kind's.
    private func series<S: MetricSeries>(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind, _ make: () -> S
    ) -> S? {
        let (name, labels) = (MetricText.name(label), MetricText.labels(dimensions))
        return families.withLock { families in
            var family = families[name] ?? MetricFamily(kind: kind)
            guard family.kind == kind else { return nil }
            if let known = family.series[labels] { return known as? S }
            let new = make()
            family.series[labels] = new
            families[name] = family
            return new
        }
    }

    private func forget(_ handler: AnyObject) {
        families.withLock { families in
            for (name, var family) in families {
                family.series = family.series.filter { $0.value !== handler }
                families[name] = family.series.isEmpty ? nil : family
            }
        }
    }
}
