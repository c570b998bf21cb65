import KafkaProtocol
import NIOCore

/// Brings a partition's directory back to a log that can be used, and says what it found.
///
/// - A log that was closed properly is taken as it is; only the end of its newest segment is looked at.
/// - Otherwise everything from the recovery point on is synced and then read from the disk, not from memory, each batch's
///   checksum is compared and the indexes are built anew, so that what readers then see cannot go away again.
/// - A *torn tail* is cut: bad bytes that reach to the end of the newest segment, with no valid batch behind them, and
///   not below what was known to be on the disk. That is what a crash during a write leaves.
/// - *Rot* is never cut: a bad batch in a closed segment, or with a valid batch behind it, or below what was synced, or
///   a missing file. Then the log does not open, and the error names file and position.
///   Where a file system brings appended writes to the disk out of order (ext4 in its default mode does not), a power
///   cut can leave a hole before valid batches that nobody was told of. That looks like rot and is treated as such.
/// - Segments wholly before the log start offset, left by an interrupted deletion, are removed.
/// - A replacement of segments by their cleaned form that was interrupted is finished (`SegmentSwap`). Offsets may be
///   missing only in what was cleaned (`CleanerCheckpoint`).
/// - Producer states, open and aborted transactions come from the newest good snapshot plus the batches behind it.
///
/// It trusts no index and no length; it reads through a window, so memory does not grow with the log.
struct LogRecovery {
    /// A log that can be used.
    struct Outcome {
        /// Ascending; the last one is appended to.
        var segments: [LogSegment]
        var logStartOffset: Int64
        var nextOffset: Int64
        var recoveryPoint: Int64
        var producers: ProducerStates
        var cleaner: CleanerCheckpoint
        var report: RecoveryReport
    }

    static let windowSize = 1 << 20

    let directory: String
    let configuration: LogConfiguration
    let files: any FileSystem
    let now: Int64
    var report: RecoveryReport
    /// The log must reach at least to here, or something is lost.
    var knownEnd: Int64 = 0
    /// Offsets may be missing in segments that begin before it: a cleaning took them.
    var holeEnd: Int64 = 0

    init(directory: String, configuration: LogConfiguration, files: any FileSystem, now: Int64) {
        self.directory = directory
        self.configuration = configuration
        self.files = files
        self.now = now
        report = RecoveryReport(verdict: .recovered, directory: directory)
    }

    var partition: PartitionFiles { PartitionFiles(directory: directory, files: files) }

    mutating func run() throws(LogError) -> Outcome {
        let isNew = try partition.prepare()
        if let note = try SegmentSwap.recover(in: directory, files) { report.notes.append(note) }
        let cleaner = try readCleaner()
        holeEnd = cleaner.holeEnd
        let checkpoint = try readCheckpoint()
        let shutdown = try readShutdown()
        knownEnd = max(checkpoint?.recoveryPoint ?? 0, shutdown?.logEndOffset ?? 0, partition.durableEnd.read() ?? 0)
        report.verdict = isNew ? .created : shutdown == nil ? .recovered : .clean

        let bases = try liveSegments(logStart: checkpoint?.logStartOffset)
        let logStart = max(checkpoint?.logStartOffset ?? 0, bases[0])
        let recoveryPoint = shutdown?.logEndOffset ?? checkpoint?.recoveryPoint ?? 0

        var segments: [LogSegment] = []
        for (base, next) in zip(bases, bases.dropFirst()) {
            let segment = try closedSegment(base, next: next, isTrusted: next <= recoveryPoint)
            segment.letGo()
            segments.append(segment)
        }
        var nextOffset: Int64 = 0
        if let base = bases.last {
            let (segment, end) = try newestSegment(base, shutdown: shutdown)
            segments.append(segment)
            nextOffset = end
        }
        guard nextOffset >= knownEnd else {
            throw LogError(
                .damaged, "\(directory) ends at offset \(nextOffset), but offset \(knownEnd) was on the disk already")
        }
        let producers = try producerStates(segments, first: bases[0], end: nextOffset)
        report.logEndOffset = nextOffset
        return Outcome(
            segments: segments, logStartOffset: min(logStart, nextOffset), nextOffset: nextOffset,
            recoveryPoint: checkpoint?.recoveryPoint ?? 0, producers: producers, cleaner: cleaner, report: report)
    }

    /// Without a readable checkpoint a log that may have been compacted is cleaned from its start, holes or not.
    private mutating func readCleaner() throws(LogError) -> CleanerCheckpoint {
        let cleaner = try read(partition.cleaner) { CleanerCheckpoint(payload: $0) }
        if let cleaner { return cleaner }
        return files.exists(partition.cleaner.path) ? CleanerCheckpoint(cleanEnd: 0, holeEnd: .max) : .none
    }

    private mutating func readCheckpoint() throws(LogError) -> LogCheckpoint? {
        try read(partition.checkpoint) { LogCheckpoint(payload: $0) }
    }

    private mutating func readShutdown() throws(LogError) -> CleanShutdown? {
        try read(partition.cleanShutdown) { CleanShutdown(payload: $0) }
    }

    /// A helper file's content. A damaged one is passed over; one that cannot be read is an error.
    private mutating func read<Content>(
        _ file: CheckpointFile, _ parse: (ByteBuffer) -> Content?
    ) throws(LogError) -> Content? {
        do {
            guard let payload = try file.read() else { return nil }
            if let content = parse(payload) { return content }
            report.notes.append("passed over \(file.path), which is too short")
        } catch let error as FileError {
            throw LogError(file: error)
        } catch {
            report.notes.append("passed over a file: \(error)")
        }
        return nil
    }

    /// The segments that still hold something behind the log start offset; removes the others.
    private mutating func liveSegments(logStart: Int64?) throws(LogError) -> [Int64] {
        var bases = try partition.segments()
        guard let first = bases.first else { throw LogError(.damaged, "\(directory) has lost all of its segments") }
        guard let logStart else { return bases }
        guard first <= logStart else {
            throw LogError(
                .damaged, "\(directory) begins at offset \(first); its records from \(logStart) on are missing")
        }
        while bases.count > 1, bases[1] <= logStart {
            let name = LogSegment.name(bases.removeFirst())
            for suffix in LogSegment.fileSuffixes
            where files.exists("\(directory)/\(name)\(suffix)") {
                try storing { () throws(FileError) in try files.remove("\(directory)/\(name)\(suffix)") }
            }
            report.notes.append("finished the deletion of segment \(name)")
        }
        return bases
    }

    /// Producer states as of the log's end. A snapshot must not be older than the first segment: what lies between
    /// could not be replayed.
    private mutating func producerStates(
        _ segments: [LogSegment], first: Int64, end: Int64
    ) throws(LogError) -> ProducerStates {
        let snapshots = ProducerSnapshot(directory: directory, files: files)
        let (found, damaged) = try storing { () throws(FileError) in
            try snapshots.remove(behind: end)
            return try snapshots.newest(from: first, to: end)
        }
        report.notes += damaged.map { "passed over the damaged snapshot \($0)" }
        var states = found?.states ?? ProducerStates()
        var start = found?.offset ?? first
        if try !loadTransactionIndexes(segments, before: start) {
            states = ProducerStates()
            start = first
        }
        for (number, segment) in segments.enumerated() {
            // All but the newest are closed: they need no descriptor until somebody reads them.
            let isNewest = number == segments.count - 1
            defer { if !isNewest { segment.letGo() } }
            let known = segment.abortedTransactions.count
            try replay(segment, from: start, into: &states)
            if !isNewest, segment.abortedTransactions.count > known {
                try storing { () throws(FileError) in try segment.writeTransactionIndex() }
            }
        }
        states.expire(now: now, after: configuration.producerExpirationMilliseconds)
        return states
    }

    /// Takes the aborted transactions that end before `start` from the segments' files. Returns false when a file is
    /// damaged; then all of them have to be found in the log.
    private mutating func loadTransactionIndexes(_ segments: [LogSegment], before start: Int64) throws(LogError) -> Bool
    {
        for segment in segments where segment.baseOffset < start {
            if try storing({ () throws(FileError) in try segment.loadTransactionIndex(before: start) }) { continue }
            report.notes.append("built the transaction index of \(LogSegment.name(segment.baseOffset)) anew")
            for segment in segments { segment.resetTransactionIndex() }
            return false
        }
        return true
    }

    private func replay(
        _ segment: LogSegment, from start: Int64, into states: inout ProducerStates
    ) throws(LogError) {
        guard let first = try segment.locate(start) else { return }
        let file = try storing { () throws(FileError) in try segment.file() }
        var walker = BatchWalker(file: file, from: first.position, to: segment.size, windowSize: Self.windowSize)
        while case .batch(let place) = try storing({ () throws(FileError) in try walker.next() }) {
            guard place.header.baseOffset >= start, place.header.hasProducerID else { continue }
            var marker: EndTransactionMarker?
            if place.header.isControl {
                marker = EndTransactionMarker(
                    batch: try storing { () throws(FileError) in try walker.bytes(of: place) })
            }
            let ended = states.replay(place.header, marker: marker, now: now)
            if let aborted = ended?.aborted { segment.add(aborted) }
        }
    }
}
