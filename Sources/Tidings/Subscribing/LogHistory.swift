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

    /// What became of offsets that did not arrive, as far as the log's start tells.
    enum Fate: Hashable {
        /// They are a gap inside the log: nobody has ever had records there, or a newer one has made them irrelevant.
        case inLog
        /// So many were deleted before they were read, if there were records.
        case deleted(Int64)
        /// The log begins behind what has been read by now, so that they may have been either.
        case unknown
    }

    /// - Parameter start: where the log begins, asked for after the records behind the gap had arrived.
    static func fate(of gap: Range<Int64>, logStart start: Int64) -> Fate {
        if start <= gap.lowerBound { return .inLog }
        return start <= gap.upperBound ? .deleted(start - gap.lowerBound) : .unknown
    }

    /// Asks where the log begins now, and so finds out whether the gap's first offsets were deleted unread.
    ///
    /// Where that is not certain it goes on, since to stop would lose the records behind the gap: they are in hand, and
    /// no longer in the log.
    /// - Throws: ``TidingsError/Code/historyMissing``; a Kafka error that will not pass by itself.
    func check(_ gap: Range<Int64>, of partition: TopicPartition) async throws {
        let start = try await range(of: partition).lowerBound
        let metadata: Logger.Metadata = [
            "partition": "\(partition)", "first": "\(gap.lowerBound)", "count": "\(gap.count)", "start": "\(start)",
        ]
        switch Self.fate(of: gap, logStart: start) {
        case .inLog:
            break
        case .deleted(let count):
            if onMissing == .stop {
                throw TidingsError.historyMissing(partition, read: gap.lowerBound, logStart: start)
            }
            metrics.missing(count)
            logger.error("Kafka has deleted records unread; going on without them", metadata: metadata)
        case .unknown:
            metrics.missing(Int64(gap.count))
            logger.warning(
                "offsets are missing, and Kafka has since deleted what came behind them: they may have been records",
                metadata: metadata)
        }
    }

    /// Asks where the log ends now, where records came again that were read before: Kafka may do so, or have lost them.
    ///
    /// - Throws: ``TidingsError/Code/offsetBeyondLog`` where it ends before what was read; a Kafka error that will not pass by
    ///   itself.
    func checkEnd(_ repeated: Range<Int64>, of partition: TopicPartition) async throws {
        if try await range(of: partition).upperBound < repeated.upperBound {
            throw TidingsError.offsetBeyondLog(partition, read: repeated.upperBound, next: repeated.lowerBound)
        }
    }

    private func range(of partition: TopicPartition) async throws -> Range<Int64> {
        var attempts = 0
        while true {
            do {
                return try await connected().watermarks([partition])[partition] ?? 0..<0
            } catch let error as KafkaError where error.isRetriable {
                attempts += 1
                logger.warning("the log's start and end cannot be asked for", metadata: ["error": "\(error)"])
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
