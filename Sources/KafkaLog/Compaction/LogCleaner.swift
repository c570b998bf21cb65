import KafkaProtocol
import NIOCore
import Synchronization

/// Does one cleaning: reads the dirty part for its keys' newest offsets, then writes every segment up to its end anew
/// without what is not the newest, group by group, each put in place when it is done.
///
/// It holds one window of a file, one opened batch, what it is about to write, and the keys' map. It never looks at a batch
/// whose checksum is wrong: rot ends the cleaning and leaves the segment as it is.
struct LogCleaner {
    /// How much is read at once.
    private static let windowSize = 1 << 20

    let log: PartitionLog
    let plan: CleaningPlan
    let options: CleaningOptions
    let aborted: [AbortedTransaction]
    let lastBatches: LastBatches
    let started: Int64
    private let abortedByMarker: [Int64: AbortedTransaction]

    init(
        log: PartitionLog, plan: CleaningPlan, options: CleaningOptions, aborted: [AbortedTransaction],
        lastBatches: LastBatches
    ) {
        self.log = log
        self.plan = plan
        self.options = options
        self.aborted = aborted
        self.lastBatches = lastBatches
        started = log.now()
        abortedByMarker = Dictionary(aborted.map { ($0.lastOffset, $0) }) { $1 }
    }

    /// - Throws: `LogError` `.closed` when it was told to stop; what was put in place by then stays.
    func run() throws(LogError) -> CleaningReport {
        var report = CleaningReport(directory: log.directory, dirtyRange: plan.cleanEnd..<plan.end, started: started)
        let (newest, end) = try newestOffsets()
        report.dirtyRange = plan.cleanEnd..<end
        report.keys = newest.count
        report.keyBytes = newest.limit * OffsetMap.bytesPerKey
        report.isPartial = end < plan.end
        var cleaner = BatchCleaner(
            BatchCleaner.Rules(
                newest: newest, lastBatches: lastBatches, end: end, logStartOffset: log.logStartOffset, now: started,
                deleteRetention: log.configuration.deleteRetentionMilliseconds,
                decompressionLimit: log.configuration.maxDecompressedBytes),
            fates: TransactionFates(aborted))
        for group in plan.groups(before: end, segmentBytes: log.configuration.segmentBytes) {
            try clean(group, &cleaner, &report)
        }
        report.counts = cleaner.counts
        report.milliseconds = log.now() - started
        return report
    }

    // MARK: The newest offset of every key

    /// The map, and the offset up to which it was filled: the dirty part's end, or the first batch it had no room for.
    private func newestOffsets() throws(LogError) -> (OffsetMap, end: Int64) {
        let map = OffsetMap(bytes: options.keyBytes, keys: plan.end - plan.cleanEnd)
        let fates = TransactionFates(aborted)
        for planned in plan.segments where planned.end > plan.cleanEnd {
            let segment = try segment(planned.base)
            var reader = try reader(segment)
            while let (place, bytes) = try nextBatch(&reader, segment) {
                guard place.header.lastOffset >= plan.cleanEnd, !place.header.isControl else { continue }
                guard !fates.isAborted(place.header), place.header.recordCount > 0 else { continue }
                let isRoom = try opening(segment, place) { () throws(ProtocolError) in
                    try Self.put(OpenedBatch(bytes, decompressionLimit: log.configuration.maxDecompressedBytes), map)
                }
                if isRoom { continue }
                guard place.header.baseOffset > plan.cleanEnd else {
                    throw LogError(
                        .storage,
                        "the keys of one batch at offset \(place.header.baseOffset) of \(log.directory) do not fit into "
                            + "\(options.keyBytes) bytes; raise log.cleaner.dedupe.buffer.size")
                }
                return (map, place.header.baseOffset)
            }
        }
        return (map, plan.end)
    }

    private static func put(_ batch: OpenedBatch, _ map: OffsetMap) throws(ProtocolError) -> Bool {
        var isRoom = true
        try batch.forEach { record, key in
            guard isRoom, let key else { return }
            isRoom = map.put(key, offset: batch.header.baseOffset + Int64(record.offsetDelta))
        }
        return isRoom
    }

    // MARK: Writing segments anew

    private func clean(
        _ group: [CleaningPlan.Segment], _ cleaner: inout BatchCleaner, _ report: inout CleaningReport
    ) throws(LogError) {
        let old = try group.map { planned throws(LogError) in try segment(planned.base) }
        var new = try storing { () throws(FileError) in
            try CleanedSegments(
                start: group[0].base, directory: log.directory, files: log.files,
                indexInterval: log.configuration.indexIntervalBytes)
        }
        do throws(LogError) {
            for segment in old { try copy(segment, to: &new, &cleaner) }
            try storing { () throws(FileError) in try new.finish() }
        } catch {
            new.discard()
            throw error
        }
        try log.replace(old, end: group[group.count - 1].end, by: new)
        report.segmentsBefore += old.count
        report.segmentsAfter += new.segments.count
        report.bytesBefore += old.reduce(0) { $0 + $1.size }
        report.bytesAfter += new.segments.reduce(0) { $0 + $1.size }
    }

    private func copy(
        _ segment: LogSegment, to new: inout CleanedSegments, _ cleaner: inout BatchCleaner
    ) throws(LogError) {
        var reader = try reader(segment)
        while let (place, bytes) = try nextBatch(&reader, segment) {
            let outcome = try opening(segment, place) { () throws(ProtocolError) in
                try cleaner.clean(place.header, bytes)
            }
            let kept: ByteBuffer
            switch outcome {
            case .drop: continue
            case .keep: kept = bytes
            case .replace(let batch): kept = batch
            }
            var header = place.header
            if case .replace = outcome {
                header = try opening(segment, place) { () throws(ProtocolError) in
                    try RecordBatchHeader(parsing: kept)
                }
            }
            try storing { () throws(FileError) in
                try new.append(kept, header, aborted: header.isControl ? abortedByMarker[header.lastOffset] : nil)
            }
        }
    }

    // MARK: Reading

    private func segment(_ base: Int64) throws(LogError) -> LogSegment {
        let segments = log.published.withLock { $0.segments }
        guard let segment = segments.first(where: { $0.baseOffset == base }) else { throw Self.interrupted(log) }
        return segment
    }

    private func reader(_ segment: LogSegment) throws(LogError) -> BatchWalker {
        let file = try storing { () throws(FileError) in try segment.file() }
        return BatchWalker(file: file, from: 0, to: segment.size, windowSize: Self.windowSize)
    }

    /// The next batch with its bytes, after waiting for a turn; `nil` at the segment's end.
    private func nextBatch(
        _ reader: inout BatchWalker, _ segment: LogSegment
    ) throws(LogError) -> (BatchWalker.Place, ByteBuffer)? {
        let position = reader.position
        switch try storing({ () throws(FileError) in try reader.next() }) {
        case .end:
            return nil
        case .bad(let position, let reason):
            throw segment.damage(at: position, reason)
        case .batch(let place):
            let bytes = try storing { () throws(FileError) in try reader.bytes(of: place) }
            guard place.header.isChecksumValid(in: bytes) else {
                throw segment.damage(at: position, "a batch has a wrong checksum")
            }
            guard options.pace(place.header.totalSize), !log.isStopping else { throw Self.interrupted(log) }
            return (place, bytes)
        }
    }

    private func opening<Value>(
        _ segment: LogSegment, _ place: BatchWalker.Place, _ body: () throws(ProtocolError) -> Value
    ) throws(LogError) -> Value {
        do throws(ProtocolError) {
            return try body()
        } catch {
            throw segment.damage(at: place.position, "the batch cannot be opened", error)
        }
    }

    static func interrupted(_ log: PartitionLog) -> LogError {
        LogError(.closed, "the cleaning of \(log.directory) was interrupted")
    }
}
