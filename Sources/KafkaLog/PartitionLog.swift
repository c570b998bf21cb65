import KafkaProtocol
import NIOCore
import Synchronization

/// The durable log of one partition: record batches in segments, in one directory.
///
/// ```swift
/// let log = try PartitionLog.open(directory: "data/orders-0")
/// let result = try log.append(batch, leaderEpoch: 0)
/// try log.flush()                                       // now it survives a power cut
/// let records = try log.read(from: result.baseOffset, maxBytes: 1 << 20)
/// try log.close()
/// ```
///
/// **Threads.** All calls block on files: storage threads only. Appends and flushes may come from any thread; appends
/// wait for one another, a flush keeps nobody waiting while the disk works, so appends gather behind it (group commit).
/// Reads run beside everything, and so does a cleaning (`clean(_:isForced:)`). Two open logs on one directory destroy it: hold a `DirectoryLock`.
///
/// **Durability.** `append` writes; `flush()` makes durable everything appended before it. By default readers see what
/// is durable (`highWatermark`). Directory entries of new segments are durable before anything in them counts as such.
/// - A full disk: the append fails with `.noSpace`, the partial write is cut away, the log works on when there is space.
/// - A failed sync: nothing is known about what it should have kept, so the log takes no more appends (`.readOnly`),
///   and never tries again. Reads up to the high watermark go on. Opening the log anew, in a new process after the
///   cause is found, decides what is left.
///
/// **Crash.** See `RecoveryReport`: a torn tail is cut, rot is reported and the log does not open.
///
/// Files: `<base offset>.log`, `.index`, `.timeindex`, `.txnindex`, `<offset>.snapshot`, and the small files that
/// `PartitionFiles` describes.
public final class PartitionLog: Sendable {
    /// What the writer alone knows.
    struct Writer {
        var segment: LogSegment
        var nextOffset: Int64
        /// The size of the newest segment: where the next batch goes.
        var position: Int64
        var producers: ProducerStates
        /// Transactions whose markers are not known to be durable.
        var undecided: [EndedTransaction] = []
        var recoveryPoint: Int64
        /// When the newest segment got its first batch, by the log's clock.
        var segmentStarted: Int64?
        /// Whether `clean-shutdown` may still be on the disk.
        var hasShutdownFile: Bool
        /// Why no more is taken.
        var failure: LogError?
        var isClosed = false
    }

    /// What readers see.
    struct Published {
        var segments: [LogSegment]
        var logStartOffset: Int64
        var logEndOffset: Int64
        var durableOffset: Int64
        /// Where the first transaction begins that is not decided.
        var firstUnstableOffset: Int64?
        var isClosed = false
    }

    /// The partition's directory.
    public let directory: String
    /// The limits and choices it works by; see `reconfigure(_:)`.
    public var configuration: LogConfiguration { settings.withLock { $0 } }
    private let settings: Mutex<LogConfiguration>
    /// What was found when it was opened.
    public let recoveryReport: RecoveryReport
    let files: any FileSystem
    let now: @Sendable () -> Int64
    let writer: Mutex<Writer>
    let published: Mutex<Published>
    let durableEnd: DurableEnd
    /// One cleaning at a time. Taken before any other lock.
    let cleaning: Mutex<Cleaning>
    /// Held while segments are removed or replaced; taken before `published`, and after `writer` where both are needed.
    let layout = Mutex(())
    /// Set when the log is about to be closed, so that a cleaning ends soon.
    private let stopping = Atomic(false)
    /// Why syncing failed. The lock is held while a sync is under way.
    private let syncing = Mutex<FileError?>(nil)

    var partition: PartitionFiles { PartitionFiles(directory: directory, files: files) }

    /// Opens a partition's log, making it when it is not there.
    ///
    /// - Parameters:
    ///   - directory: the partition's own directory; missing parents are made.
    ///   - now: the clock, in milliseconds since 1970.
    /// - Throws: `LogError`: `.damaged` for rot (the message names file and position, and nothing was changed),
    ///   `.unsupportedFormat`, `.noSpace` or `.storage`.
    public static func open(
        directory: String, configuration: LogConfiguration = LogConfiguration(),
        files: any FileSystem = PosixFileSystem(), now: @escaping @Sendable () -> Int64 = wallClock
    ) throws(LogError) -> PartitionLog {
        var recovery = LogRecovery(directory: directory, configuration: configuration, files: files, now: now())
        let log = PartitionLog(
            outcome: try recovery.run(), directory: directory, configuration: configuration, files: files, now: now)
        // Recovery synced all that it found.
        if log.recoveryReport.verdict == .recovered { log.durableEnd.write(log.logEndOffset) }
        return log
    }

    private init(
        outcome: LogRecovery.Outcome, directory: String, configuration: LogConfiguration, files: any FileSystem,
        now: @escaping @Sendable () -> Int64
    ) {
        self.directory = directory
        settings = Mutex(configuration)
        self.files = files
        self.now = now
        recoveryReport = outcome.report
        durableEnd = PartitionFiles(directory: directory, files: files).durableEnd
        let segment = outcome.segments[outcome.segments.count - 1]
        var started: Int64?
        if segment.size > 0 { started = min(max(segment.maxTimestamp.timestamp, 0), now()) }
        writer = Mutex(
            Writer(
                segment: segment, nextOffset: outcome.nextOffset, position: segment.size,
                producers: outcome.producers, recoveryPoint: outcome.recoveryPoint, segmentStarted: started,
                hasShutdownFile: outcome.report.verdict != .created))
        cleaning = Mutex(Cleaning(checkpoint: outcome.cleaner))
        published = Mutex(
            Published(
                segments: outcome.segments, logStartOffset: outcome.logStartOffset, logEndOffset: outcome.nextOffset,
                durableOffset: outcome.nextOffset, firstUnstableOffset: outcome.producers.firstOpenOffset))
    }

    /// The first offset that can be read.
    public var logStartOffset: Int64 { published.withLock { $0.logStartOffset } }

    /// The offset that the next record gets.
    public var logEndOffset: Int64 { published.withLock { $0.logEndOffset } }

    /// Every record before it survives a power cut.
    public var durableOffset: Int64 { published.withLock { $0.durableOffset } }

    /// Every record before it may be read: the durable end, or the log's end when flushing is relaxed.
    public var highWatermark: Int64 { published.withLock { highWatermark($0) } }

    /// How many records the next `flush()` would make durable.
    public var unflushedRecords: Int64 { published.withLock { $0.logEndOffset - $0.durableOffset } }

    /// The size of all segments in bytes.
    public var size: Int64 { published.withLock { $0.segments }.reduce(0) { $0 + $1.size } }

    /// Why the log takes no appends any more; `nil` while it does.
    public var failure: LogError? { writer.withLock { $0.failure } }

    func highWatermark(_ published: Published) -> Int64 {
        configuration.isDurable ? published.durableOffset : published.logEndOffset
    }

    /// Takes other limits and choices for everything that follows. The distance of index entries counts from the next
    /// segment on. Call it with no append beside it.
    ///
    /// - Throws: `LogError`, and nothing has changed: where readers are to wait for the disk from now on, everything is
    ///   flushed first, so that the high watermark never goes back.
    public func reconfigure(_ configuration: LogConfiguration) throws(LogError) {
        if configuration.isDurable, !self.configuration.isDurable { try flush() }
        try writer.withLock { writer throws(LogError) in
            if writer.isClosed { throw LogError(.closed, "\(directory) is closed") }
            settings.withLock { $0 = configuration }
            publishStability(&writer)
        }
    }

    /// Makes everything appended so far durable (`fdatasync`) and moves the high watermark there.
    ///
    /// - Throws: `LogError` `.readOnly` after a failed sync, this one or an earlier.
    public func flush() throws(LogError) {
        let (segment, end) = try writer.withLock { writer throws(LogError) in
            try check(writer)
            return (writer.segment, writer.nextOffset)
        }
        guard published.withLock({ $0.durableOffset < end }) else { return }
        do throws(FileError) {
            // Earlier segments were synced when they were closed; this one may be closed by now, which does no harm.
            try alone { () throws(FileError) in try segment.file().sync() }
        } catch {
            throw writer.withLock { fail(&$0, "a sync failed", error) }
        }
        try writer.withLock { writer throws(LogError) in
            // A sync that failed meanwhile may have been told of what this one was not.
            if let failure = writer.failure { throw failure }
            published.withLock { $0.durableOffset = max($0.durableOffset, end) }
            publishStability(&writer)
        }
        durableEnd.write(end)
    }

    /// Runs something that syncs, one at a time and never after one that failed: a system tells only once that it lost
    /// writes, so that a sync beside or behind the one that was told would succeed and prove nothing.
    func alone<Value>(_ body: () throws(FileError) -> Value) throws(FileError) -> Value {
        try syncing.withLock { failure throws(FileError) in
            if let failure { throw failure }
            do throws(FileError) {
                return try body()
            } catch {
                if error.isFailedSync { failure = error }
                throw error
            }
        }
    }

    /// Throws if the log is closed or broken.
    func check(_ writer: borrowing Writer) throws(LogError) {
        if writer.isClosed { throw LogError(.closed, "\(directory) is closed") }
        if let failure = writer.failure { throw failure }
    }

    /// Ends appending for good. Returns what to throw.
    func fail(_ writer: inout Writer, _ what: String, _ error: FileError) -> LogError {
        let failure = LogError(.readOnly, "\(directory) takes no more records: \(what)", cause: error)
        if writer.failure == nil { writer.failure = failure }
        return failure
    }

    /// Whether the log is being closed.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Ends a cleaning, if there is one, for good.
    func stopCleaning() {
        stopping.store(true, ordering: .relaxed)
        cleaning.withLock { _ in }
    }

    /// Flushes, writes the indexes, the producer states and the clean-shutdown file, and takes no more calls.
    ///
    /// A log that was not written to is left untouched. Closing twice does nothing.
    /// - Throws: `LogError`, also when the log had failed before. It is closed then too, without a clean-shutdown file,
    ///   so that the next opening checks it.
    public func close() throws(LogError) {
        stopCleaning()
        defer { published.withLock { $0.isClosed = true } }
        try writer.withLock { writer throws(LogError) in
            guard !writer.isClosed else { return }
            writer.isClosed = true
            if let failure = writer.failure { throw failure }
            guard !writer.hasShutdownFile || recoveryReport.verdict != .clean else { return }
            let end = writer.nextOffset
            do throws(FileError) {
                _ = try alone { () throws(FileError) in try writer.segment.writeIndexes() }
                try ProducerSnapshot(directory: directory, files: files).write(writer.producers, offset: end)
                try partition.checkpoint.write(checkpoint(recoveryPoint: end).payload())
                let shutdown = CleanShutdown(
                    logEndOffset: end, segment: writer.segment.baseOffset, segmentSize: writer.position)
                try partition.cleanShutdown.write(shutdown.payload())
            } catch {
                throw LogError(file: error)
            }
            published.withLock { $0.durableOffset = end }
            publishStability(&writer)
        }
    }

    func checkpoint(recoveryPoint: Int64) -> LogCheckpoint {
        LogCheckpoint(recoveryPoint: recoveryPoint, logStartOffset: logStartOffset)
    }
}
