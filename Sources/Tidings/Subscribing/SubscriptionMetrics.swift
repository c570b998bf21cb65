import KafkaClient
import Metrics
import Synchronization

/// What a subscription tells about itself, by group.
///
/// - `tidings_subscription_handled_total`, `…_parked_total`: records.
/// - `tidings_subscription_retried_total`: parked records that were tried again and had their effect.
/// - `tidings_subscription_parked_keys`: how many keys are held up now by a parked record, each record without a key
///   counting as one.
/// - `tidings_subscription_failures_total`: handlers that threw.
/// - `tidings_subscription_redelivered_total`: records that came again and were passed over.
/// - `tidings_subscription_duplicates_total`: events that a relay had sent twice and that had their one effect before.
/// - `tidings_subscription_refused_total`: transactions that the stored offset refused.
/// - `tidings_subscription_missing_total`: offsets that Kafka deleted before they were read, where that does not stop it.
/// - `tidings_subscription_transaction_seconds`: the time of a transaction.
/// - `tidings_subscription_handler_seconds`: the time of a handler for one event, inside the transaction.
/// - `tidings_subscription_lag`, by `topic` and `partition`: how many offsets the group is behind the end, as far as Kafka has
///   told this member, which has the partition.
final class SubscriptionMetrics: Sendable {
    private let handledCount: Counter
    private let parkedCount: Counter
    private let retriedCount: Counter
    private let parkedKeysNow: Gauge
    private let failures: Counter
    private let redeliveredCount: Counter
    private let duplicateCount: Counter
    private let refusedCount: Counter
    private let missingCount: Counter
    private let transaction: Metrics.Timer
    private let handler: Metrics.Timer
    private let group: String
    private let lags = Mutex<[TopicPartition: Gauge]>([:])

    init(group: String) {
        self.group = group
        let dimensions = [("group", group)]
        handledCount = Counter(label: "tidings_subscription_handled_total", dimensions: dimensions)
        parkedCount = Counter(label: "tidings_subscription_parked_total", dimensions: dimensions)
        retriedCount = Counter(label: "tidings_subscription_retried_total", dimensions: dimensions)
        parkedKeysNow = Gauge(label: "tidings_subscription_parked_keys", dimensions: dimensions)
        failures = Counter(label: "tidings_subscription_failures_total", dimensions: dimensions)
        redeliveredCount = Counter(label: "tidings_subscription_redelivered_total", dimensions: dimensions)
        duplicateCount = Counter(label: "tidings_subscription_duplicates_total", dimensions: dimensions)
        refusedCount = Counter(label: "tidings_subscription_refused_total", dimensions: dimensions)
        missingCount = Counter(label: "tidings_subscription_missing_total", dimensions: dimensions)
        transaction = Metrics.Timer(label: "tidings_subscription_transaction_seconds", dimensions: dimensions)
        handler = Metrics.Timer(label: "tidings_subscription_handler_seconds", dimensions: dimensions)
    }

    func handled(_ count: Int, parked: Int, in time: Duration) {
        handledCount.increment(by: count)
        if parked > 0 { parkedCount.increment(by: parked) }
        transaction.record(time)
    }

    func retried(isParked: Bool, in time: Duration) {
        (isParked ? parkedCount : retriedCount).increment()
        transaction.record(time)
    }

    func handler(took time: Duration) { handler.record(time) }

    /// How far the group is behind in the partitions that this member has; what is said of others is withdrawn.
    func lag(_ behind: [TopicPartition: Int64]) {
        lags.withLock { lags in
            for (partition, gauge) in lags where behind[partition] == nil {
                gauge.destroy()
                lags[partition] = nil
            }
            for (partition, count) in behind {
                let gauge =
                    lags[partition]
                    ?? Gauge(
                        label: "tidings_subscription_lag",
                        dimensions: [
                            ("group", group), ("topic", partition.topic), ("partition", "\(partition.partition)"),
                        ])
                lags[partition] = gauge
                gauge.record(count)
            }
        }
    }

    func parkedKeys(_ count: Int) { parkedKeysNow.record(count) }

    func redelivered(_ count: Int) {
        if count > 0 { redeliveredCount.increment(by: count) }
    }

    func suppressed(_ count: Int) { duplicateCount.increment(by: count) }

    func refused() { refusedCount.increment() }

    func missing(_ count: Int64) { missingCount.increment(by: count) }

    func failed() { failures.increment() }
}

extension Metrics.Timer {
    fileprivate func record(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
