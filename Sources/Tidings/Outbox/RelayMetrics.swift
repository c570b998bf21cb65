import Metrics
import Synchronization

/// What a relay tells about itself.
///
/// - `tidings_outbox_sent_total`, `tidings_outbox_parked_total`, `tidings_outbox_retries_total`: events.
/// - `tidings_outbox_batch_size`: events a batch.
/// - `tidings_outbox_delay_seconds`: from the append to Kafka's acknowledgement.
/// - `tidings_outbox_oldest_unsent_seconds`: the age of the oldest event not yet out; 0 when all are.
final class RelayMetrics: Sendable {
    private let sent = Counter(label: "tidings_outbox_sent_total")
    private let parked = Counter(label: "tidings_outbox_parked_total")
    private let retries = Counter(label: "tidings_outbox_retries_total")
    private let batchSize = Recorder(label: "tidings_outbox_batch_size")
    private let delay = Metrics.Timer(label: "tidings_outbox_delay_seconds")
    private let oldestUnsent = Gauge(label: "tidings_outbox_oldest_unsent_seconds")
    private let oldest = Mutex<Timestamp?>(nil)

    func claimed(_ entries: [OutboxEntry]) {
        oldest.withLock { $0 = entries.first?.appendedAt }
        batchSize.record(entries.count)
        age()
    }

    func settled(_ result: RelaySettlement) {
        sent.increment(by: result.settlement.sent.count)
        parked.increment(by: result.settlement.parked.count)
        retries.increment(by: result.retries)
        let now = Timestamp.now()
        for entry in result.settlement.sent {
            delay.recordMilliseconds(max(0, now.millisecondsSince1970 - entry.appendedAt.millisecondsSince1970))
        }
    }

    func caughtUp() {
        oldest.withLock { $0 = nil }
        age()
    }

    /// Brings the age up to date; called from time to time, so that it grows while Kafka is away.
    func age() {
        let since = oldest.withLock { $0 }
        let milliseconds = since.map { Timestamp.now().millisecondsSince1970 - $0.millisecondsSince1970 } ?? 0
        oldestUnsent.record(Double(max(0, milliseconds)) / 1000)
    }
}
