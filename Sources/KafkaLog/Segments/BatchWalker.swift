import KafkaProtocol
import NIOCore

/// Walks over a log file batch by batch, reading headers through a window and never opening a batch.
///
/// It believes nothing: a header that cannot be one, or a batch that reaches behind the end, ends the walk with the
/// position and the reason.
struct BatchWalker {
    /// A batch at its place.
    struct Place {
        var header: RecordBatchHeader
        var position: Int64
        var end: Int64 { position + Int64(header.totalSize) }
    }

    /// What is at the next position.
    enum Step {
        case batch(Place)
        case end
        /// No batch begins here, or not all of it is there.
        case bad(position: Int64, reason: String)
    }

    /// Where the part of a batch begins that its checksum covers.
    private static let checksummedFrom = 21

    private let file: any StorageFile
    private let end: Int64
    private let windowSize: Int
    private var window = ByteBuffer()
    private var windowStart: Int64 = 0
    /// Where the next batch begins.
    private(set) var position: Int64

    /// - Parameter windowSize: how much is read at once; small for a look-up, large for a whole segment.
    init(file: any StorageFile, from position: Int64, to end: Int64, windowSize: Int) {
        self.file = file
        self.position = position
        self.end = end
        self.windowSize = max(windowSize, RecordBatchHeader.size)
    }

    /// The batch at the current position; moves behind it.
    mutating func next() throws(FileError) -> Step {
        let left = end - position
        if left == 0 { return .end }
        if left < Int64(RecordBatchHeader.size) {
            return .bad(position: position, reason: "the end of a batch is missing")
        }
        try fill(RecordBatchHeader.size)
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(parsing: window, at: window.readerIndex + Int(position - windowStart))
        } catch {
            return .bad(position: position, reason: "no batch begins here: \(error)")
        }
        guard header.baseOffset >= 0, header.baseOffset < Int64.max - Int64(header.lastOffsetDelta) else {
            return .bad(position: position, reason: "the offsets make no sense")
        }
        guard Int64(header.totalSize) <= left else {
            return .bad(position: position, reason: "the end of a batch is missing")
        }
        let place = Place(header: header, position: position)
        position = place.end
        return .batch(place)
    }

    /// The whole bytes of a batch.
    func bytes(of place: Place) throws(FileError) -> ByteBuffer {
        if let slice = windowed(place.position, place.header.totalSize) { return slice }
        return try file.read(place.header.totalSize, at: place.position)
    }

    /// Whether a batch has the checksum that its header states. Large batches are read piece by piece.
    func hasValidChecksum(_ place: Place) throws(FileError) -> Bool {
        var crc: UInt32 = 0
        var position = place.position + Int64(Self.checksummedFrom)
        while position < place.end {
            let count = Int(min(place.end - position, Int64(windowSize)))
            let whole = Int(place.end - position)
            var piece = windowed(position, whole)
            if piece == nil { piece = try file.read(count, at: position) }
            guard let piece else { return false }
            guard piece.readableBytes > 0 else { return false }
            crc = piece.withUnsafeReadableBytes { CRC32C.checksum($0, continuing: crc) }
            position += Int64(piece.readableBytes)
        }
        return crc == place.header.crc
    }

    private func windowed(_ position: Int64, _ count: Int) -> ByteBuffer? {
        let start = position - windowStart
        guard start >= 0, start <= window.readableBytes else { return nil }
        return window.getSlice(at: window.readerIndex + Int(start), length: count)
    }

    /// Makes the window hold `count` bytes from the current position on.
    private mutating func fill(_ count: Int) throws(FileError) {
        let start = position - windowStart
        if start >= 0, Int(start) + count <= window.readableBytes { return }
        let size = min(Int64(max(windowSize, count)), end - position)
        window = try file.read(Int(size), at: position)
        windowStart = position
    }
}
