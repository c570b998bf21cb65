import Metrics

/// What a view tells about itself, by its name.
///
/// - `tidings_view_ready_seconds`: how long it took to hold all that was there.
/// - `tidings_view_unreadable_total`: records it went on without.
/// - `tidings_view_snapshot_seconds`, `tidings_view_snapshot_failures_total`.
final class ViewMetrics: Sendable {
    private let readyTime: Metrics.Timer
    private let unreadableCount: Counter
    private let snapshotTime: Metrics.Timer
    private let snapshotFailures: Counter

    init(view: String) {
        let dimensions = [("view", view)]
        readyTime = Metrics.Timer(label: "tidings_view_ready_seconds", dimensions: dimensions)
        unreadableCount = Counter(label: "tidings_view_unreadable_total", dimensions: dimensions)
        snapshotTime = Metrics.Timer(label: "tidings_view_snapshot_seconds", dimensions: dimensions)
        snapshotFailures = Counter(label: "tidings_view_snapshot_failures_total", dimensions: dimensions)
    }

    func ready(after time: Duration) { readyTime.record(time) }
    func unreadable() { unreadableCount.increment() }
    func snapshot(in time: Duration) { snapshotTime.record(time) }
    func snapshotFailed() { snapshotFailures.increment() }
}

extension Metrics.Timer {
    fileprivate func record(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
