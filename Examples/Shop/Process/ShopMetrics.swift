import Metrics
import TidingsMetrics

/// What this process's metrics say; a process that has a page tells it at `/metrics`.
enum ShopMetrics {
    /// Everything that is made after the first use of this measures.
    static let all: PrometheusMetrics = {
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()
}
