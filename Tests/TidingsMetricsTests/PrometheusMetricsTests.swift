import Metrics
import Testing
import TidingsMetrics

@Suite struct PrometheusMetricsTests {
    private let metrics = PrometheusMetrics()

    private func lines() -> [Substring] { metrics.text().split(separator: "\n") }

    @Test("counters, gauges and meters tell their number under their name and labels, in order")
    func numbers() {
        let sent = Counter(label: "sent_total", dimensions: [("topic", "order"), ("group", "a")], factory: metrics)
        sent.increment(by: 3)
        sent.increment()
        Counter(label: "sent_total", dimensions: [("group", "a"), ("topic", "invoice")], factory: metrics).increment()
        FloatingPointCounter(label: "paid_total", factory: metrics).increment(by: 0.5)
        let age = Gauge(label: "age_seconds", factory: metrics)
        age.record(7)
        age.record(1.25)
        let open = Meter(label: "open", factory: metrics)
        open.set(5)
        open.decrement(by: 2)
        #expect(
            lines() == [
                "# TYPE age_seconds gauge", "age_seconds 1.25", "# TYPE open gauge", "open 3",
                "# TYPE paid_total counter", "paid_total 0.5", "# TYPE sent_total counter",
                #"sent_total{group="a",topic="invoice"} 1"#, #"sent_total{group="a",topic="order"} 4"#,
            ])
    }

    @Test("timers tell seconds and recorders their values, as histograms whose buckets add up")
    func histograms() {
        var buckets = PrometheusMetrics.Buckets()
        (buckets.seconds, buckets.values) = ([0.1, 1], [10])
        let metrics = PrometheusMetrics(buckets: buckets)
        let time = Timer(label: "time_seconds", dimensions: [("group", "a")], factory: metrics)
        for milliseconds in [100, 250, 5000] { time.recordMilliseconds(milliseconds) }
        let size = Recorder(label: "size", factory: metrics)
        for value in [10, 11] { size.record(value) }
        #expect(
            metrics.text().split(separator: "\n") == [
                "# TYPE size histogram", #"size_bucket{le="10"} 1"#, #"size_bucket{le="+Inf"} 2"#, "size_sum 21",
                "size_count 2",
                "# TYPE time_seconds histogram", #"time_seconds_bucket{group="a",le="0.1"} 1"#,
                #"time_seconds_bucket{group="a",le="1"} 2"#, #"time_seconds_bucket{group="a",le="+Inf"} 3"#,
                #"time_seconds_sum{group="a"} 5.35"#, #"time_seconds_count{group="a"} 3"#,
            ])
    }

    @Test("who asks for the same metric gets the same, and a destroyed one is told no more")
    func sharedAndDestroyed() {
        let (one, two) = (Counter(label: "n", factory: metrics), Counter(label: "n", factory: metrics))
        one.increment()
        two.increment()
        #expect(lines() == ["# TYPE n counter", "n 2"])
        let lag = Gauge(label: "lag", dimensions: [("partition", "0")], factory: metrics)
        lag.record(4)
        lag.destroy()
        #expect(lines() == ["# TYPE n counter", "n 2"])
    }

    @Test("names and values that the format does not take are written so that it does")
    func escaping() {
        Counter(label: "a.b-c", dimensions: [("x.y", "a\"b\\c\nd")], factory: metrics).increment()
        Counter(label: "9lives", factory: metrics).increment()
        Gauge(label: "odd", factory: metrics).record(Double.infinity)
        #expect(
            lines() == [
                "# TYPE _9lives counter", "_9lives 1", "# TYPE a_b_c counter", #"a_b_c{x_y="a\"b\\c\nd"} 1"#,
                "# TYPE odd gauge", "odd +Inf",
            ])
    }

    @Test("a name that is taken by another kind of metric is not told twice")
    func otherKind() {
        Counter(label: "n", factory: metrics).increment()
        Gauge(label: "n", factory: metrics).record(9)
        #expect(lines() == ["# TYPE n counter", "n 1"])
    }
}
