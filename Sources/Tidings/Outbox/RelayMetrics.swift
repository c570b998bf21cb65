import Metrics
import Synchronization

/// What a relay tells about itself.
///
/// - `tidings_outbox_sent_total` (and so the rate), `tidings_outbox_parked_total`, `tidings_outbox_retries_total`: events.
/// - `tidings_outbox_batch_size`: events a batch.
/// - `tidings_outbox_delay_seconds`: from the append to Kafka's acknowledgement.
/// - `tidings_outbox_oldest_unsent_seconds`: the age of the oldest event not yet out; 0 when all are.
/// - `tidings_outbox_unsent`, `tidings_outbox_parked`: how many wait and are parked now, as the store counts or estimates.
/// - `tidings_outbox_hold_up_seconds`: the age of the oldest transaction that holds things up; 0 when there is none.
/// - `tidings_outbox_retained_bytes`: how much log the database keeps for an outbox in the log.
/// - `tidings_outbox_alarm`, by `kind`: 1 while that alarm (``OutboxAlarm``) is raised, else 0.
final class RelayMetrics: Sendable {
    private let sent = Counter(label: "tidings_outbox_sent_total")
    private let parked = Counter(label: "tidings_outbox_parked_total")
    private let retries = Counter(label: "tidings_outbox_retries_total")
    private let batchSize = Recorder(label: "tidings_outbox_batch_size")
    private let delay = Metrics.Timer(label: "tidings_outbox_delay_seconds")
    private let oldestUnsent = Gauge(label: "tidings_outbox_oldest_unsent_seconds")
    private let unsent = Gauge(label: "tidings_outbox_unsent")
    private let parkedNow = Gauge(label: "tidings_outbox_parked")
    private let holdUp = Gauge(label: "tidings_outbox_hold_up_seconds")
    private let retained = Gauge(label: "tidings_outbox_retained_bytes")
    private let alarms = OutboxAlarm.Kind.all.map { kind in
        (kind, Gauge(label: "tidings_outbox_alarm", dimensions: [("kind", kind.description)]))
    }
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

    func watched(_ status: OutboxStatus, _ holdUps: [OutboxHoldUp]) {
        unsent.record(status.pending)
        parkedNow.record(status.parked)
        if let bytes = status.retainedBytes { retained.record(bytes) }
        holdUp.record(holdUps.first.map { $0.age / .seconds(1) } ?? 0)
        oldest.withLock { $0 = status.oldestPending }
        age()
    }

    func alarm(_ alarm: OutboxAlarm) {
        for (kind, gauge) in alarms { if kind == alarm.kind { gauge.record(alarm.isRaised ? 1 : 0) } }
    }

    /// Brings the age up to date; called from time to time, so that it grows while Kafka is away.
    func age() {
        let since = oldest.withLock { $0 }
        let milliseconds = since.map { Timestamp.now().millisecondsSince1970 - $0.millisecondsSince1970 } ?? 0
        oldestUnsent.record(Double(max(0, milliseconds)) / 1000)
    }
}
