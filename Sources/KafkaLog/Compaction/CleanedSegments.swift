import KafkaProtocol
import NIOCore

/// Writes the new segments of a cleaning beside the old ones, under names that end in `.cleaned`.
///
/// Mostly one; another is begun where the first would pass what a segment's index can address, since a delete horizon makes
/// records some bytes longer. Bytes go to the file in pieces and are synced on the way, so that no sync has much to write
/// and other partitions' syncs find an idle disk.
struct CleanedSegments {
    /// What is gathered before it is written.
    private static let writeSize = 1 << 20
    /// What is written before it is synced.
    private static let syncSize: Int64 = 8 << 20

    private let directory: String
    private let files: any FileSystem
    private let indexInterval: Int
    private(set) var segments: [LogSegment] = []
    private var file: (any StorageFile)?
    private var gathered = ByteBuffer()
    private var written: Int64 = 0
    private var unsynced: Int64 = 0

    init(start: Int64, directory: String, files: any FileSystem, indexInterval: Int) throws(FileError) {
        self.directory = directory
        self.files = files
        self.indexInterval = indexInterval
        gathered.reserveCapacity(Self.writeSize)
        try begin(start)
    }

    private mutating func begin(_ base: Int64) throws(FileError) {
        let path = "\(directory)/\(LogSegment.name(base)).log\(SegmentSwap.suffix)"
        let file = try files.open(path, .create)
        try file.truncate(to: 0)
        self.file = file
        written = 0
        unsynced = 0
        segments.append(
            LogSegment(
                baseOffset: base, directory: directory, file: file, files: files, indexInterval: indexInterval,
                suffix: SegmentSwap.suffix))
    }

    /// Adds a batch, and the aborted transaction that it ends.
    mutating func append(
        _ batch: ByteBuffer, _ header: RecordBatchHeader, aborted: AbortedTransaction?
    ) throws(FileError) {
        let position = written + Int64(gathered.readableBytes)
        let isFar = header.lastOffset - segments[segments.count - 1].baseOffset > Int64(Int32.max)
        if position > 0, isFar || position + Int64(batch.readableBytes) > Int64(Int32.max) {
            try end()
            try begin(header.baseOffset)
        }
        let segment = segments[segments.count - 1]
        segment.advance(CollectionOfOne(LogSegment.Appended(header)))
        if let aborted { segment.add(aborted) }
        gathered.writeImmutableBuffer(batch)
        if gathered.readableBytes >= Self.writeSize { try write() }
    }

    private mutating func write() throws(FileError) {
        guard let file, gathered.readableBytes > 0 else { return }
        try file.write(gathered, at: written)
        written += Int64(gathered.readableBytes)
        unsynced += Int64(gathered.readableBytes)
        gathered.clear()
        gathered.reserveCapacity(Self.writeSize)
        if unsynced >= Self.syncSize {
            try file.sync()
            unsynced = 0
        }
    }

    /// Makes the newest one durable, with its indexes.
    private mutating func end() throws(FileError) {
        try write()
        let segment = segments[segments.count - 1]
        segment.seal(try segment.writeIndexes())
        file = nil
    }

    /// Makes everything durable, names included.
    mutating func finish() throws(FileError) {
        try end()
        try files.syncDirectory(directory)
    }

    /// Removes what was written.
    func discard() {
        for segment in segments {
            try? SegmentSwap.remove(segment.baseOffset, SegmentSwap.suffix, in: directory, files)
        }
    }
}
