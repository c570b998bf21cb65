import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// Finds out whether offsets that did not arrive were deleted by retention, which loses them, or are gaps of another
/// kind: compaction's, or a transaction's markers.
final class LogHistory: Sendable {
    private let kafka: KafkaConfiguration
    private let onMissing: MissingHistory
    private let backoff: Backoff
    private let clock: any Clock<Duration>
    private let metrics: SubscriptionMetrics
    private let logger: Logger
    private let admin = Mutex<Admin?>(nil)

    init(
        _ kafka: KafkaConfiguration, onMissing: MissingHistory, backoff: Backoff, clock: any Clock<Duration>,
        metrics: SubscriptionMetrics, logger: Logger
    ) {
        self.kafka = kafka
        self.onMissing = onMissing
        self.backoff = backoff
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// Asks where the log begins now. When that is inside or behind the gap, the gap's first offsets were deleted unread.
    ///
    /// - Throws: ``TidingsError/Code/historyMissing``; a Kafka error that will not pass by itself.
    func check(_ gap: Range<Int64>, of partition: TopicPartition) async throws {
        let start = try await start(of: partition)
        guard start > gap.lowerBound else { return }
        let error = TidingsError.historyMissing(partition, read: gap.lowerBound, logStart: start)
        if onMissing == .stop { throw error }
        let count = min(start, gap.upperBound) - gap.lowerBound
        metrics.missing(count)
        logger.error(
            "Kafka has deleted records unread; going on without them",
            metadata: ["partition": "\(partition)", "first": "\(gap.lowerBound)", "count": "\(count)"])
    }

    private func start(of partition: TopicPartition) async throws -> Int64 {
        var attempts = 0
        while true {
            do {
                return try await connected().watermarks([partition])[partition]?.lowerBound ?? 0
            } catch let error as KafkaError where error.isRetriable {
                attempts += 1
                logger.warning("the start of the log cannot be asked for", metadata: ["error": "\(error)"])
                await clock.rest(for: backoff.delay(after: attempts))
                try Task.checkCancellation()
                if Task.isShuttingDownGracefully { throw CancellationError() }
            }
        }
    }

    private func connected() throws -> Admin {
        try admin.withLock { admin in
            if let admin { return admin }
            let new = try Admin(kafka, logger: logger)
            admin = new
            return new
        }
    }
}
