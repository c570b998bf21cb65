import KafkaLog
import KafkaProtocol
import Logging
import Synchronization

/// Compacts the logs of topics with `cleanup.policy=compact`, one at a time, the one with the largest dirty share first,
/// on a thread of its own and no faster than `log.cleaner.io.max.bytes.per.second`.
///
/// The broker's own logs are left alone: they begin anew with a snapshot (`InternalLog`).
final class Cleaner: Sendable {
    /// A cleaning that is done.
    struct Cleaned: Sendable {
        var partition: TopicPartition
        var report: CleaningReport
    }

    /// What was done since the start, for whoever shows it.
    struct Statistics: Sendable {
        /// The latest cleanings, oldest first, at most `kept`.
        var recent: [Cleaned] = []
        var cleanings = 0
        var recordsBefore: Int64 = 0
        var recordsAfter: Int64 = 0
        var bytesBefore: Int64 = 0
        var bytesAfter: Int64 = 0
        var milliseconds: Int64 = 0
        /// What is being cleaned now.
        var current: TopicPartition?
        /// Why logs are not cleaned, the latest reason of each.
        var failures: [TopicPartition: LogError] = [:]
    }

    static let kept = 100

    private let topics: TopicStore
    private let live: LiveConfiguration
    private let logger: Logger
    private let thread = StorageThreads(limit: 1)
    private let stopping = Latch()
    private let isWoken = Atomic(false)
    private let throttle: Mutex<Throttle>
    private let state = Mutex(Statistics())

    init(topics: TopicStore, live: LiveConfiguration, logger: Logger) {
        self.topics = topics
        self.live = live
        self.logger = logger
        throttle = Mutex(Throttle(bytesPerSecond: live.current.cleanerBytesPerSecond))
    }

    var statistics: Statistics { state.withLock { $0 } }

    /// Cleans whatever is due, unless that is under way. Returns at once; to be called every `log.cleaner.backoff.ms`.
    /// `whenDone` is called, on the cleaner's thread, when nothing is due any more.
    func wake(whenDone: @escaping @Sendable () -> Void = {}) {
        guard live.current.cleanerIsEnabled else { return }
        guard !isWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        let isAccepted = thread.submit {
            self.cleanAll()
            self.isWoken.store(false, ordering: .releasing)
            whenDone()
        }
        if !isAccepted { isWoken.store(false, ordering: .releasing) }
    }

    /// Ends a cleaning that is under way, and suspends until it has ended.
    func stop() async {
        stopping.open()
        await thread.stop()
    }

    // MARK: On the thread

    private func cleanAll() {
        var failed: Set<TopicPartition> = []
        while !stopping.wait(nanoseconds: 0), let partition = filthiest(but: failed) {
            if !clean(partition) { failed.insert(partition.name) }
        }
    }

    /// The partition with the largest dirty share of those that are due.
    private func filthiest(but failed: Set<TopicPartition>) -> Partition? {
        var filthiest: (partition: Partition, ratio: Double)?
        for partition in topics.all.filter({ !$0.isInternal }).flatMap(\.partitions)
        where partition.log.configuration.isCompacted && !failed.contains(partition.name) {
            do throws(LogError) {
                try partition.log.rollIfIdle()
                guard let dirt = try partition.log.dirt(), dirt.isDue else { continue }
                if dirt.ratio > filthiest?.ratio ?? -1 { filthiest = (partition, dirt.ratio) }
            } catch {
                note(error, of: partition.name)
            }
        }
        return filthiest?.partition
    }

    /// Returns whether something was done.
    private func clean(_ partition: Partition) -> Bool {
        state.withLock { $0.current = partition.name }
        defer { state.withLock { $0.current = nil } }
        let options = CleaningOptions(keyBytes: live.current.cleanerBufferBytes) { self.pace($0) }
        do throws(LogError) {
            guard let report = try partition.log.clean(options) else { return false }
            note(Cleaned(partition: partition.name, report: report))
            return true
        } catch {
            note(error, of: partition.name)
            return false
        }
    }

    /// Waits as long as the rate asks for. False when the broker stops.
    private func pace(_ bytes: Int) -> Bool {
        let rate = live.current.cleanerBytesPerSecond
        let delay = throttle.withLock { throttle in
            if throttle.bytesPerSecond != rate { throttle = Throttle(bytesPerSecond: rate) }
            return throttle.take(bytes, now: Latch.now)
        }
        return !stopping.wait(nanoseconds: delay)
    }

    private func note(_ cleaned: Cleaned) {
        let report = cleaned.report
        state.withLock { state in
            if state.recent.count == Self.kept { state.recent.removeFirst() }
            state.recent.append(cleaned)
            state.cleanings += 1
            state.recordsBefore += report.counts.recordsBefore
            state.recordsAfter += report.counts.recordsAfter
            state.bytesBefore += report.bytesBefore
            state.bytesAfter += report.bytesAfter
            state.milliseconds += report.milliseconds
            state.failures[cleaned.partition] = nil
        }
        logger.info(
            "compacted a log",
            metadata: [
                "topic": "\(cleaned.partition.topic)", "partition": "\(cleaned.partition.partition)",
                "records": "\(report.counts.recordsBefore) to \(report.counts.recordsAfter)",
                "bytes": "\(report.bytesBefore) to \(report.bytesAfter)", "ms": "\(report.milliseconds)",
            ])
    }

    /// A log that fails again and again is told of once.
    private func note(_ error: LogError, of partition: TopicPartition) {
        guard error.code != .closed else { return }
        let isNews = state.withLock { state in
            defer { state.failures[partition] = error }
            return state.failures[partition]?.message != error.message
        }
        guard isNews else { return }
        logger.error(
            "cannot compact a log; its records stay",
            metadata: [
                "topic": "\(partition.topic)", "partition": "\(partition.partition)", "reason": "\(error)",
            ])
    }
}
