import KafkaProtocol
import Synchronization

/// What a cleaning may take.
public struct CleaningOptions: Sendable {
    /// Memory for the keys of the dirty part (`log.cleaner.dedupe.buffer.size`), in bytes.
    public var keyBytes: Int
    /// Called with the size of every batch that was read, on the thread that cleans; may wait, to leave the disk to
    /// others. False ends the cleaning.
    public var pace: @Sendable (_ bytes: Int) -> Bool

    public init(keyBytes: Int = 128 << 20, pace: @escaping @Sendable (_ bytes: Int) -> Bool = { _ in true }) {
        self.keyBytes = keyBytes
        self.pace = pace
    }
}

extension PartitionLog {
    /// What cleanings know of each other. The lock is held while one is under way.
    struct Cleaning {
        var checkpoint: CleanerCheckpoint
        /// Why it is not tried again: what is in the log cannot be read.
        var failure: LogError?
    }

    /// How much of the log waits to be cleaned, and whether it is time (`min.cleanable.dirty.ratio`,
    /// `max.compaction.lag.ms`).
    public struct Dirt: Hashable, Sendable {
        /// The dirty part's share of what could be cleaned, 0 to 1.
        public var ratio: Double
        public var isDue: Bool
    }

    /// Closes a newest segment that is older than `segment.ms`, or than `max.compaction.lag.ms` in a compacted topic,
    /// although nothing is appended: the newest segment is never cleaned, and retention removes whole segments.
    ///
    /// - Returns: whether it was closed.
    @discardableResult
    public func rollIfIdle() throws(LogError) -> Bool {
        try writer.withLock { writer throws(LogError) in
            try check(writer)
            guard writer.position > 0, let started = writer.segmentStarted,
                now() - started >= configuration.segmentAge
            else { return false }
            try roll(&writer)
            return true
        }
    }

    /// How much waits to be cleaned; `nil` when there is nothing, the log is not compacted, or it is being cleaned.
    public func dirt() throws(LogError) -> Dirt? {
        guard configuration.isCompacted else { return nil }
        let checkpoint = cleaning.withLockIfAvailable { $0.failure == nil ? $0.checkpoint : nil }
        guard let checkpoint = checkpoint ?? nil, let plan = try plan(checkpoint) else { return nil }
        return Dirt(ratio: plan.dirtyRatio, isDue: plan.isDue(configuration))
    }

    /// Removes records that have a successor of the same key, and whatever else Kafka's log compaction removes; see
    /// `BatchCleaner`. Offsets stay what they are; the newest segment stays as it is. Blocks for as long as it takes; appends
    /// and reads go on beside it.
    ///
    /// - Parameter isForced: clean whatever there is, due or not.
    /// - Returns: what was done; `nil` when it is not time, or the log was closed meanwhile.
    /// - Throws: `LogError`: `.noSpace` or `.storage`, after which the log is what it was; `.damaged` when something cannot
    ///   be read: then no cleaning is tried until the log is opened anew; `.readOnly` after a failed replacement.
    @discardableResult
    public func clean(
        _ options: CleaningOptions = CleaningOptions(), isForced: Bool = false
    ) throws(LogError) -> CleaningReport? {
        try cleaning.withLock { cleaning throws(LogError) in
            guard configuration.isCompacted, !isStopping, cleaning.failure == nil else { return nil }
            guard let plan = try plan(cleaning.checkpoint), isForced || plan.isDue(configuration) else { return nil }
            do throws(LogError) {
                return try clean(plan, options, &cleaning)
            } catch  where error.code == .closed {
                return nil
            } catch {
                if error.code == .damaged { cleaning.failure = error }
                throw error
            }
        }
    }

    private func clean(
        _ plan: CleaningPlan, _ options: CleaningOptions, _ cleaning: inout Cleaning
    ) throws(LogError) -> CleaningReport {
        let lastBatches = try writer.withLock { writer throws(LogError) in
            try check(writer)
            return LastBatches(writer.producers)
        }
        // What a producer sent before its last batch may go, and with it all that is known of the producer, only if that one
        // cannot be lost any more.
        try flush()
        let before = CleanerCheckpoint(
            cleanEnd: cleaning.checkpoint.cleanEnd, holeEnd: max(cleaning.checkpoint.holeEnd, plan.end))
        try write(before, &cleaning)
        let cleaner = LogCleaner(
            log: self, plan: plan, options: options, aborted: abortedTransactions(from: logStartOffset, before: .max),
            lastBatches: lastBatches)
        let report = try cleaner.run()
        try write(CleanerCheckpoint(cleanEnd: report.dirtyRange.upperBound, holeEnd: before.holeEnd), &cleaning)
        return report
    }

    private func write(_ checkpoint: CleanerCheckpoint, _ cleaning: inout Cleaning) throws(LogError) {
        guard checkpoint != cleaning.checkpoint else { return }
        try storing { () throws(FileError) in try partition.cleaner.write(checkpoint.payload()) }
        cleaning.checkpoint = checkpoint
    }

    private func plan(_ checkpoint: CleanerCheckpoint) throws(LogError) -> CleaningPlan? {
        let view = published.withLock { $0 }
        let segments = view.segments
        let closed = zip(segments, segments.dropFirst()).map { segment, next in
            CleaningPlan.Segment(
                base: segment.baseOffset, end: next.baseOffset, size: segment.size,
                maxTimestamp: segment.maxTimestamp.timestamp)
        }
        var facts = CleaningPlan.Facts(
            closed: closed, logStartOffset: view.logStartOffset, lastStableOffset: bounds(view).lastStableOffset,
            cleanEnd: checkpoint.cleanEnd, oldestDirtyTimestamp: nil, now: now())
        guard configuration.maxCompactionLagMilliseconds < .max, let plan = CleaningPlan(facts, configuration) else {
            return CleaningPlan(facts, configuration)
        }
        for segment in segments where segment.baseOffset < plan.end && segment.endOffset > plan.cleanEnd {
            let first = try segment.locate(max(plan.cleanEnd, segment.baseOffset))
            guard let timestamp = first?.header.maxTimestamp, timestamp >= 0 else { continue }
            facts.oldestDirtyTimestamp = min(facts.oldestDirtyTimestamp ?? timestamp, timestamp)
        }
        return CleaningPlan(facts, configuration)
    }

    // MARK: Putting new segments in place

    /// Puts cleaned segments in the place of those they were made from, on the disk and for readers; whoever reads the old
    /// ones goes on. See `SegmentSwap`.
    func replace(_ old: [LogSegment], end: Int64, by new: CleanedSegments) throws(LogError) {
        let swap = SegmentSwap(
            start: old[0].baseOffset, end: end,
            outputs: new.segments.map { SegmentSwap.Output(base: $0.baseOffset, size: $0.size) })
        let file = SegmentSwap.file(in: directory, files)
        let failure: LogError? = layout.withLock { _ in
            do throws(LogError) {
                try begin(swap, old, file)
            } catch {
                if error.code != .readOnly { new.discard() }
                return error
            }
            do throws(FileError) {
                try alone { () throws(FileError) in
                    try swap.apply(in: directory, files)
                    try file.remove()
                }
            } catch {
                return LogError(.readOnly, "\(directory): segments were replaced in part", cause: error)
            }
            let segments = new.segments.map { $0.renamed() }
            published.withLock { published in
                guard let first = published.segments.firstIndex(where: { $0 === old[0] }) else { return }
                published.segments.replaceSubrange(first..<first + old.count, with: segments)
            }
            return nil
        }
        guard let failure else { return }
        if failure.code == .readOnly { writer.withLock { $0.failure = $0.failure ?? failure } }
        throw failure
    }

    /// Makes the swap count. When this throws, it never happened.
    private func begin(_ swap: SegmentSwap, _ old: [LogSegment], _ file: CheckpointFile) throws(LogError) {
        guard !isStopping, isInPlace(old) else { throw LogCleaner.interrupted(self) }
        for segment in old { try storing { () throws(FileError) in try segment.pin() } }
        do throws(FileError) {
            try alone { () throws(FileError) in try file.write(swap.payload()) }
        } catch {
            // The file may be there all the same: while it is, what was written must not go.
            do throws(FileError) {
                try alone { () throws(FileError) in
                    try file.remove()
                    try files.syncDirectory(directory)
                }
            } catch let second {
                throw LogError(.readOnly, "\(directory): nobody knows which segments count", cause: second)
            }
            throw LogError(file: error)
        }
    }

    /// Whether these segments are still the log's, one behind the other: retention may have removed some.
    private func isInPlace(_ old: [LogSegment]) -> Bool {
        published.withLock { published in
            guard let first = published.segments.firstIndex(where: { $0 === old[0] }),
                published.segments.count > first + old.count
            else { return false }
            return zip(published.segments[first...], old).allSatisfy { $0 === $1 }
        }
    }
}
