import KafkaProtocol
import NIOCore

/// A small file that is replaced as a whole: after a crash a reader finds the old content or the new, never a mixture.
///
/// Bytes on disk (big endian):
///
///     crc      uint32   CRC-32C of everything behind it
///     version  int16    the owner's format number
///     payload  …        to the end of the file
///
/// Writing makes a temporary file (`NAME.tmp`), syncs it, renames it over `NAME` and syncs the directory. A leftover
/// `.tmp` is overwritten by the next write and never read.
///
/// ```swift
/// let topics = CheckpointFile(path: "data/topics", version: 1, files: PosixFileSystem())
/// try topics.write(payload)
/// let written = try topics.read()      // nil when there is none
/// ```
public struct CheckpointFile: Sendable {
    /// Why a checkpoint's content cannot be used.
    public struct Damage: Error, Hashable, Sendable, CustomStringConvertible {
        public var path: String
        public var reason: String
        public var description: String { "\(path) is damaged: \(reason)" }
    }

    /// Where it is.
    public let path: String
    /// The format number that is written and expected.
    public let version: Int16
    private let files: any FileSystem
    private static let headerSize = 6

    public init(path: String, version: Int16, files: any FileSystem) {
        self.path = path
        self.version = version
        self.files = files
    }

    /// Replaces the content durably.
    ///
    /// - Throws: `FileError`; the old content is then still there (or, when only the last step failed, one of the two).
    public func write(_ payload: ByteBuffer) throws(FileError) {
        var body = ByteBufferAllocator().buffer(capacity: Self.headerSize + payload.readableBytes)
        body.writeInteger(UInt32(0))
        body.writeInteger(version)
        body.writeImmutableBuffer(payload)
        body.setInteger(checksum(body), at: 0)
        try files.replaceContents(of: path, with: body)
    }

    /// The content; `nil` when there is no such file.
    ///
    /// - Throws: `FileError`, or `Damage` for a wrong checksum or version.
    public func read() throws -> ByteBuffer? {
        try read(since: version)?.payload
    }

    /// The content and its format number, which may be as old as `oldest`; `nil` when there is no such file.
    ///
    /// - Throws: `FileError`, or `Damage` for a wrong checksum or version.
    public func read(since oldest: Int16) throws -> (payload: ByteBuffer, version: Int16)? {
        var body: ByteBuffer
        do throws(FileError) {
            body = try files.contents(of: path)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
        guard let stored = body.getInteger(at: 0, as: UInt32.self), body.readableBytes >= Self.headerSize,
            stored == checksum(body)
        else { throw Damage(path: path, reason: "wrong checksum") }
        body.moveReaderIndex(forwardBy: 4)
        guard let found = body.readInteger(as: Int16.self), found >= oldest, found <= version else {
            throw Damage(path: path, reason: "unknown version, expected \(version)")
        }
        return (body.slice(), found)
    }

    /// Removes the file, durably; nothing happens when there is none.
    public func remove() throws(FileError) {
        do throws(FileError) {
            try files.remove(path)
        } catch  where error.code == .notFound {
            return
        }
        try files.syncDirectory(parentDirectory(of: path))
    }

    private func checksum(_ body: ByteBuffer) -> UInt32 {
        body.withUnsafeReadableBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0.dropFirst(4))) }
    }
}

extension FileSystem {
    /// Replaces a file's content durably and atomically: a temporary file is written and synced, renamed over the old
    /// one, and the directory synced.
    public func replaceContents(of path: String, with bytes: ByteBuffer) throws(FileError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, .create)
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
        try file.sync()
        try rename(temporary, to: path)
        try syncDirectory(parentDirectory(of: path))
    }
}
