import KafkaProtocol
import NIOCore
import Synchronization

/// A hint, written after every sync and never synced itself: how far the log was durable.
///
///     crc     uint32   CRC-32C of the offset
///     offset  int64    every record before it was synced
///
/// It lets recovery tell rot in the very last batch from a torn tail. What it says is true whenever it can be read; a
/// killed process leaves it exact, a power cut leaves it some seconds old, or torn, in which case it is passed over.
final class DurableEnd: Sendable {
    private static let size = 12

    private let path: String
    private let files: any FileSystem
    private let writing = Mutex(())

    init(path: String, files: any FileSystem) {
        self.path = path
        self.files = files
    }

    /// Writes the hint. A failure leaves the old one or none, which is as good. The file is not kept open: there may be
    /// thousands of partitions, and beside a sync the opening costs nothing.
    func write(_ offset: Int64) {
        writing.withLock { _ in
            var bytes = ByteBufferAllocator().buffer(capacity: Self.size)
            bytes.writeMultipleIntegers(UInt32(0), offset)
            bytes.setInteger(Self.checksum(bytes), at: 0)
            try? files.open(path, .create).write(bytes, at: 0)
        }
    }

    /// The hint, if there is a good one.
    func read() -> Int64? {
        guard let bytes = try? files.contents(of: path), bytes.readableBytes == Self.size,
            bytes.getInteger(at: 0, as: UInt32.self) == Self.checksum(bytes)
        else { return nil }
        return bytes.getInteger(at: 4, as: Int64.self)
    }

    private static func checksum(_ bytes: ByteBuffer) -> UInt32 {
        bytes.withUnsafeReadableBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0.dropFirst(4))) }
    }
}
