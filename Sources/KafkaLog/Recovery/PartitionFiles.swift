import NIOCore

/// The small files beside a partition's segments.
///
///     format-version    text, "tidings-log 1": how everything here is to be read
///     checkpoint        recovery point and log start offset (`LogCheckpoint`)
///     durable-end       the offset up to which the log was synced, as far as is known (`DurableEnd`)
///     clean-shutdown    where the log ended when it was closed (`CleanShutdown`); absent while it is in use
///     cleaner           how far the log is cleaned (`CleanerCheckpoint`); absent while it never was
///     cleaner-swap      segments that a cleaning is about to put in place (`SegmentSwap`)
///
/// Crash rule: `clean-shutdown` is removed, durably, before the first write after opening, so its being there proves
/// that nothing was written since. `checkpoint` is replaced atomically after what it promises is on the disk.
struct PartitionFiles {
    static let format = "tidings-log 1\n"

    let directory: String
    let files: any FileSystem

    var formatPath: String { "\(directory)/format-version" }
    var checkpoint: CheckpointFile { CheckpointFile(path: "\(directory)/checkpoint", version: 1, files: files) }
    var durableEnd: DurableEnd { DurableEnd(path: "\(directory)/durable-end", files: files) }
    var cleaner: CheckpointFile { CheckpointFile(path: "\(directory)/cleaner", version: 1, files: files) }
    var cleanShutdown: CheckpointFile { CheckpointFile(path: "\(directory)/clean-shutdown", version: 1, files: files) }

    /// Makes sure that the directory is one of ours, creating it with an empty first segment when there is none.
    /// Returns whether it is new.
    func prepare() throws(LogError) -> Bool {
        try storing { () throws(FileError) in try files.createDirectories(directory) }
        if try checkFormat() { return false }
        for base in try segments() {
            let path = "\(directory)/\(LogSegment.name(base)).log"
            let size = try storing { () throws(FileError) in try files.open(path, .read).size() }
            guard size == 0 else {
                throw LogError(.unsupportedFormat, "\(directory) has a log but no format-version file")
            }
        }
        try storing { () throws(FileError) in
            _ = try files.open("\(directory)/\(LogSegment.name(0)).log", .create)
            try files.replaceContents(of: formatPath, with: ByteBuffer(string: Self.format))
        }
        return true
    }

    /// The base offsets of all segments, ascending.
    func segments() throws(LogError) -> [Int64] {
        try storing { () throws(FileError) in
            try files.list(directory).compactMap { LogSegment.baseOffset(ofFile: $0, suffix: ".log") }.sorted()
        }
    }

    /// Whether there is a format file, and that it is ours.
    private func checkFormat() throws(LogError) -> Bool {
        let text: String
        do throws(FileError) {
            text = String(buffer: try files.contents(of: formatPath))
        } catch {
            if error.code == .notFound { return false }
            throw LogError(file: error)
        }
        guard text == Self.format else {
            throw LogError(
                .unsupportedFormat, "\(formatPath) says \"\(text.prefix(40))\"; this version reads tidings-log 1")
        }
        return true
    }
}

/// What is known to be on the disk whatever happens, and where the log begins.
struct LogCheckpoint: Equatable {
    /// Everything before it is synced, with its indexes; recovery looks at what comes after.
    var recoveryPoint: Int64
    /// Records before it are deleted, even if their segment is still there.
    var logStartOffset: Int64

    func payload() -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeMultipleIntegers(recoveryPoint, logStartOffset)
        return payload
    }

    init(recoveryPoint: Int64, logStartOffset: Int64) {
        self.recoveryPoint = recoveryPoint
        self.logStartOffset = logStartOffset
    }

    init?(payload: ByteBuffer) {
        var payload = payload
        guard let fields = payload.readMultipleIntegers(as: (Int64, Int64).self) else { return nil }
        self.init(recoveryPoint: fields.0, logStartOffset: fields.1)
    }
}

/// Where the log ended when it was closed.
struct CleanShutdown: Equatable {
    var logEndOffset: Int64
    /// The newest segment and its size in bytes.
    var segment: Int64
    var segmentSize: Int64

    func payload() -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeMultipleIntegers(logEndOffset, segment, segmentSize)
        return payload
    }

    init(logEndOffset: Int64, segment: Int64, segmentSize: Int64) {
        self.logEndOffset = logEndOffset
        self.segment = segment
        self.segmentSize = segmentSize
    }

    init?(payload: ByteBuffer) {
        var payload = payload
        guard let fields = payload.readMultipleIntegers(as: (Int64, Int64, Int64).self) else { return nil }
        self.init(logEndOffset: fields.0, segment: fields.1, segmentSize: fields.2)
    }
}
