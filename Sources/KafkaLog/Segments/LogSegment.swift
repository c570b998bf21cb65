import KafkaProtocol
import NIOCore
import Synchronization

/// A stretch of a partition's log: a `.log` file with its `.index` and `.timeindex`, and a `.txnindex` if there are aborted
/// transactions.
///
/// The files are named after the segment's base offset in twenty digits. The `.log` file is nothing but record batches
/// (v2) one after the other, byte for byte as Kafka keeps them. One writer appends; any number of readers look up and
/// read at the same time: they see the size that the writer published last.
///
/// Crash rule: see `SegmentIndex` for the indexes and `LogRecovery` for the `.log` file.
final class LogSegment: Sendable {
    /// A batch that was appended: what the indexes and look-ups need to know.
    struct Appended {
        var lastOffset: Int64
        var maxTimestamp: Int64
        var size: Int
    }

    private struct State {
        var file: (any StorageFile)?
        var size: Int64
        var offsetIndex: SegmentIndex<OffsetIndexEntry>
        var timeIndex: SegmentIndex<TimeIndexEntry>
        /// The largest timestamp and the last offset of the first batch that has it; -1 when there is none.
        var maxTimestamp: Int64 = -1
        var offsetOfMaxTimestamp: Int64 = -1
        /// Transactions whose abort markers are in this segment; few, so they stay in memory.
        var abortedTransactions: [AbortedTransaction] = []
        var bytesSinceIndexEntry = 0
        /// The offset behind the last batch; the base offset when there is none.
        var endOffset: Int64
        /// Where the last read ended, which is mostly where the next begins.
        var hint: (offset: Int64, position: Int64)?
    }

    let baseOffset: Int64
    let directory: String
    /// What comes behind the files' names while a cleaning writes them; empty for a live segment.
    private let suffix: String
    private let files: any FileSystem
    private let indexInterval: Int
    private let state: Mutex<State>

    /// What the names of a segment's files end in.
    static let fileSuffixes = [".timeindex", ".index", ".txnindex", ".log"]

    var logPath: String { path(".log") }
    var indexPath: String { path(".index") }
    var timeIndexPath: String { path(".timeindex") }
    var transactionIndexPath: String { path(".txnindex") }

    private func path(_ kind: String) -> String { "\(directory)/\(Self.name(baseOffset))\(kind)\(suffix)" }

    /// An empty segment around an open file, or one whose batches will be announced with `advance`.
    init(
        baseOffset: Int64, directory: String, file: any StorageFile, files: any FileSystem, indexInterval: Int,
        suffix: String = ""
    ) {
        self.baseOffset = baseOffset
        self.directory = directory
        self.suffix = suffix
        self.files = files
        self.indexInterval = indexInterval
        state = Mutex(
            State(file: file, size: 0, offsetIndex: .memory([]), timeIndex: .memory([]), endOffset: baseOffset))
    }

    /// A closed segment with index files that were found good.
    convenience init(
        baseOffset: Int64, directory: String, files: any FileSystem, indexInterval: Int, size: Int64,
        endOffset: Int64, offsetIndex: SegmentIndex<OffsetIndexEntry>, timeIndex: SegmentIndex<TimeIndexEntry>
    ) throws(FileError) {
        var newest: (timestamp: Int64, offset: Int64) = (-1, -1)
        if let last = try timeIndex.last() {
            newest = (last.timestamp, baseOffset + Int64(last.relativeOffset))
        }
        self.init(
            baseOffset: baseOffset, directory: directory, files: files, indexInterval: indexInterval, size: size,
            endOffset: endOffset, offsetIndex: offsetIndex, timeIndex: timeIndex, maxTimestamp: newest)
    }

    private init(
        baseOffset: Int64, directory: String, files: any FileSystem, indexInterval: Int, size: Int64,
        endOffset: Int64, offsetIndex: SegmentIndex<OffsetIndexEntry>, timeIndex: SegmentIndex<TimeIndexEntry>,
        maxTimestamp: (timestamp: Int64, offset: Int64)
    ) {
        self.baseOffset = baseOffset
        self.directory = directory
        suffix = ""
        self.files = files
        self.indexInterval = indexInterval
        var state = State(file: nil, size: size, offsetIndex: offsetIndex, timeIndex: timeIndex, endOffset: endOffset)
        state.maxTimestamp = maxTimestamp.timestamp
        state.offsetOfMaxTimestamp = maxTimestamp.offset
        self.state = Mutex(state)
    }

    /// Twenty digits, so that names sort as offsets do.
    static func name(_ offset: Int64) -> String {
        let digits = String(offset)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// The base offset in a file name; `nil` for other files.
    static func baseOffset(ofFile name: String, suffix: String) -> Int64? {
        guard name.hasSuffix(suffix) else { return nil }
        let digits = name.dropLast(suffix.count)
        guard digits.count == 20, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        return Int64(digits)
    }

    /// The size of the `.log` file that readers may see, in bytes.
    var size: Int64 { state.withLock { $0.size } }

    /// The offset behind the last batch; the base offset when there is none.
    var endOffset: Int64 { state.withLock { $0.endOffset } }

    /// The largest timestamp and the last offset of the first batch that has it; -1 when there is none.
    var maxTimestamp: (timestamp: Int64, offset: Int64) {
        state.withLock { ($0.maxTimestamp, $0.offsetOfMaxTimestamp) }
    }

    /// The open `.log` file; a closed segment's is opened when first asked for.
    func file() throws(FileError) -> any StorageFile {
        if let file = state.withLock({ $0.file }) { return file }
        let opened: any StorageFile
        do throws(FileError) {
            opened = try files.open(logPath, .read)
        } catch {
            // It may have been pinned, and its name removed, since we looked.
            if let file = state.withLock({ $0.file }) { return file }
            throw error
        }
        return state.withLock { state in
            if let file = state.file { return file }
            state.file = opened
            return opened
        }
    }

    /// Publishes batches that were written behind the current size.
    func advance(_ batches: some Sequence<Appended>) {
        state.withLock { state in
            for batch in batches {
                if batch.maxTimestamp > state.maxTimestamp {
                    state.maxTimestamp = batch.maxTimestamp
                    state.offsetOfMaxTimestamp = batch.lastOffset
                }
                if state.bytesSinceIndexEntry > indexInterval {
                    let relative = Int32(truncatingIfNeeded: batch.lastOffset - baseOffset)
                    let position = Int32(truncatingIfNeeded: state.size)
                    state.offsetIndex.append(OffsetIndexEntry(relativeOffset: relative, position: position))
                    Self.addTimeEntry(&state, baseOffset)
                    state.bytesSinceIndexEntry = 0
                }
                state.bytesSinceIndexEntry += batch.size
                state.size += Int64(batch.size)
                state.endOffset = batch.lastOffset + 1
            }
        }
    }

    private static func addTimeEntry(_ state: inout State, _ baseOffset: Int64) {
        guard state.maxTimestamp >= 0 else { return }
        if case .memory(let entries) = state.timeIndex, let last = entries.last,
            last.timestamp >= state.maxTimestamp
        {
            return
        }
        let relative = Int32(truncatingIfNeeded: state.offsetOfMaxTimestamp - baseOffset)
        state.timeIndex.append(TimeIndexEntry(timestamp: state.maxTimestamp, relativeOffset: relative))
    }

    /// Takes the indexes of a segment that was closed properly from their files, so that it can be appended to again.
    /// Returns false, with nothing changed, when they do not lead to the end of the segment.
    func load(size: Int64) throws(FileError) -> Bool {
        guard let offsets = try SegmentIndex<OffsetIndexEntry>.opened(indexPath, files: files)?.loaded(),
            let times = try SegmentIndex<TimeIndexEntry>.opened(timeIndexPath, files: files)?.loaded()
        else { return false }
        let last = try offsets.last()
        let start = Int64(last?.position ?? 0)
        guard start >= 0, start <= size else { return false }
        var walker = BatchWalker(file: try file(), from: start, to: size, windowSize: 1 << 16)
        var end = baseOffset
        while case .batch(let place) = try walker.next() {
            if let last, place.position == start, place.header.lastOffset != baseOffset + Int64(last.relativeOffset) {
                return false
            }
            end = place.header.lastOffset + 1
        }
        guard walker.position == size else { return false }
        let newest = try times.last()
        state.withLock { state in
            state.size = size
            state.endOffset = end
            state.offsetIndex = offsets
            state.timeIndex = times
            state.bytesSinceIndexEntry = Int(size - start)
            if let newest {
                state.maxTimestamp = newest.timestamp
                state.offsetOfMaxTimestamp = baseOffset + Int64(newest.relativeOffset)
            }
        }
        return true
    }

    /// The transactions whose abort markers are in this segment, in order.
    var abortedTransactions: [AbortedTransaction] { state.withLock { $0.abortedTransactions } }

    /// Takes note of an abort marker that was appended.
    func add(_ aborted: AbortedTransaction) {
        state.withLock { $0.abortedTransactions.append(aborted) }
    }

    /// Takes the aborted transactions that end before `offset` from their file. Returns false when it is damaged.
    func loadTransactionIndex(before offset: Int64) throws(FileError) -> Bool {
        guard files.exists(transactionIndexPath) else { return true }
        guard let index = try SegmentIndex<AbortedTransaction>.opened(transactionIndexPath, files: files),
            case .memory(let entries) = try index.loaded(), entries.count == index.count
        else { return false }
        let kept = entries.prefix { $0.lastOffset < offset }
        guard kept.allSatisfy({ $0.lastOffset >= baseOffset && $0.lastOffset < max(endOffset, baseOffset + 1) }),
            zip(kept, kept.dropFirst()).allSatisfy({ $0.lastOffset < $1.lastOffset })
        else { return false }
        state.withLock { $0.abortedTransactions = Array(kept) }
        return true
    }

    /// Forgets the aborted transactions, to find them anew in the log.
    func resetTransactionIndex() {
        state.withLock { $0.abortedTransactions = [] }
    }

    /// Writes the aborted transactions to their file, durably; there is none while there are none (but beside a segment
    /// that a cleaning writes, whose empty one replaces the old one's).
    func writeTransactionIndex() throws(FileError) {
        let entries = abortedTransactions
        if entries.isEmpty, suffix.isEmpty, !files.exists(transactionIndexPath) { return }
        _ = try SegmentIndex.memory(entries).written(to: transactionIndexPath, files: files)
    }

    /// The indexes in files of their own, durable (their names are when the directory is synced).
    struct WrittenIndexes {
        fileprivate var offsetIndex: SegmentIndex<OffsetIndexEntry>
        fileprivate var timeIndex: SegmentIndex<TimeIndexEntry>
    }

    /// Syncs the segment and writes its indexes. The segment can still be appended to.
    func writeIndexes() throws(FileError) -> WrittenIndexes {
        try file().sync()
        try writeTransactionIndex()
        return try writePositionIndexes()
    }

    /// Writes the indexes that a walk through the segment gives, and leaves the transaction index alone, which takes more
    /// than that.
    func writePositionIndexes() throws(FileError) -> WrittenIndexes {
        let (offsetIndex, timeIndex) = state.withLock { state in
            Self.addTimeEntry(&state, baseOffset)
            return (state.offsetIndex, state.timeIndex)
        }
        return WrittenIndexes(
            offsetIndex: try offsetIndex.written(to: indexPath, files: files),
            timeIndex: try timeIndex.written(to: timeIndexPath, files: files))
    }

    /// Ends appending: from here on indexes and log are read from their files, which are opened when needed.
    func seal(_ indexes: WrittenIndexes) {
        state.withLock { state in
            state.offsetIndex = indexes.offsetIndex
            state.timeIndex = indexes.timeIndex
            state.file = nil
        }
    }

    /// Lets go of a closed segment's descriptors until somebody reads it.
    func letGo() {
        state.withLock { state in
            state.file = nil
            state.offsetIndex.letGo()
            state.timeIndex.letGo()
        }
    }

    /// The state a look-up begins with.
    func snapshot() -> (
        size: Int64, offsetIndex: SegmentIndex<OffsetIndexEntry>, timeIndex: SegmentIndex<TimeIndexEntry>,
        hint: (offset: Int64, position: Int64)?
    ) {
        state.withLock { ($0.size, $0.offsetIndex, $0.timeIndex, $0.hint) }
    }

    func remember(offset: Int64, position: Int64) {
        state.withLock { $0.hint = (offset, position) }
    }

    /// Removes the files. Readers that hold the segment read on.
    func remove() throws(FileError) {
        for kind in Self.fileSuffixes {
            do throws(FileError) {
                try files.remove(path(kind))
            } catch  where error.code == .notFound {
                continue
            }
        }
    }

    /// Opens the files for good, so that readers of this segment go on when its files are replaced or removed.
    func pin() throws(FileError) {
        _ = try file()
        let (_, offsetIndex, timeIndex, _) = snapshot()
        try offsetIndex.pin()
        try timeIndex.pin()
    }

    /// This segment, which a cleaning wrote under other names, under its own.
    func renamed() -> LogSegment {
        let (size, offsetIndex, timeIndex, _) = snapshot()
        let offsetIndexPath = "\(directory)/\(Self.name(baseOffset)).index"
        let timeIndexPath = "\(directory)/\(Self.name(baseOffset)).timeindex"
        let segment = LogSegment(
            baseOffset: baseOffset, directory: directory, files: files, indexInterval: indexInterval, size: size,
            endOffset: endOffset,
            offsetIndex: .file(LazyFile(path: offsetIndexPath, files: files), count: offsetIndex.count),
            timeIndex: .file(LazyFile(path: timeIndexPath, files: files), count: timeIndex.count),
            maxTimestamp: maxTimestamp)
        for transaction in abortedTransactions { segment.add(transaction) }
        return segment
    }
}
