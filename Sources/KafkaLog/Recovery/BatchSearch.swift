import KafkaProtocol
import NIOCore

/// Tells a torn tail from rot: looks for a valid batch anywhere behind a bad place.
///
/// A crash leaves at most an unfinished write at the end of the newest segment; behind it there is nothing. Where a
/// whole batch with the right checksum follows bad bytes, those bytes were good once.
struct BatchSearch {
    private static let windowSize = 1 << 20
    private static let magicIndex = 16

    let file: any StorageFile
    /// The end of the file.
    let end: Int64
    /// A batch found must continue the log from here on.
    let nextOffset: Int64

    /// Where the first valid batch begins at or behind `position`; `nil` when there is none.
    func firstBatch(from position: Int64) throws(FileError) -> Int64? {
        var start = position
        while end - start >= Int64(RecordBatchHeader.size) {
            let window = try file.read(Int(min(Int64(Self.windowSize), end - start)), at: start)
            guard window.readableBytes >= RecordBatchHeader.size else { return nil }
            for candidate in candidates(in: window) where try isBatch(window, candidate, start + Int64(candidate)) {
                return start + Int64(candidate)
            }
            start += Int64(window.readableBytes - RecordBatchHeader.size + 1)
        }
        return nil
    }

    /// Places in a window where the format number and the offset would fit a batch.
    private func candidates(in window: ByteBuffer) -> [Int] {
        window.withUnsafeReadableBytes { bytes in
            (0...(bytes.count - RecordBatchHeader.size)).filter { index in
                guard bytes[index + Self.magicIndex] == 2 else { return false }
                let offset = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: Int64.self))
                return offset >= nextOffset && offset - nextOffset <= Int64(Int32.max)
            }
        }
    }

    private func isBatch(_ window: ByteBuffer, _ index: Int, _ position: Int64) throws(FileError) -> Bool {
        guard let header = try? RecordBatchHeader(parsing: window, at: window.readerIndex + index),
            position + Int64(header.totalSize) <= end
        else { return false }
        let walker = BatchWalker(file: file, from: position, to: end, windowSize: Self.windowSize)
        return try walker.hasValidChecksum(BatchWalker.Place(header: header, position: position))
    }
}
