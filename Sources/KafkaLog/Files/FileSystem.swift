import NIOCore

/// The seam between the log and the disk: everything KafkaLog asks of an operating system's files, and nothing else.
///
/// `PosixFileSystem` is the real one; `SimulatedFileSystem` is its twin for tests, which loses, tears and refuses on
/// demand. All calls block; they belong on storage threads, never on an event loop.
///
/// Durability is explicit: bytes are safe after `StorageFile.sync()`, names (created, renamed, removed) after
/// `syncDirectory(_:)` of the directory that holds them.
public protocol FileSystem: Sendable {
    /// Opens a file.
    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any StorageFile
    /// The names (not paths) in a directory, in no particular order.
    func list(_ directory: String) throws(FileError) -> [String]
    /// Whether a file or directory of that name exists.
    func exists(_ path: String) -> Bool
    /// Creates one directory; its parent must exist.
    func createDirectory(_ path: String) throws(FileError)
    /// Removes a file.
    func remove(_ path: String) throws(FileError)
    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(FileError)
    /// Renames atomically, replacing a file of the new name.
    func rename(_ path: String, to newPath: String) throws(FileError)
    /// Makes the names in a directory durable.
    func syncDirectory(_ directory: String) throws(FileError)
    /// Takes an exclusive lock on a file (made if missing) without waiting; `FileError.Code.locked` when another holds
    /// it, in this process or any other.
    func lock(_ path: String) throws(FileError) -> any FileLock
    /// The size of the volume that holds a directory; nil when it is not known.
    func space(of directory: String) -> VolumeSpace?
}

/// The size of a volume.
public struct VolumeSpace: Hashable, Sendable {
    /// All of it, in bytes.
    public var total: Int64
    /// What is left for whoever is not the superuser, in bytes.
    public var free: Int64

    public init(total: Int64, free: Int64) {
        self.total = total
        self.free = free
    }
}

extension FileSystem {
    public func space(of directory: String) -> VolumeSpace? { nil }
}

/// An open file, read and written at explicit positions; safe to use from many threads, as `pread` and `pwrite` are.
///
/// The file closes when the last reference goes.
public protocol StorageFile: AnyObject, Sendable {
    /// Writes all pieces one after the other from `position` on. After an error any part may have been written.
    func write(_ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(FileError)
    /// Reads up to the size of `bytes`; fewer only at the end of the file. Returns the count.
    func read(into bytes: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int
    /// The file's size in bytes.
    func size() throws(FileError) -> Int64
    /// Cuts the file (or extends it with zeros) to a size.
    func truncate(to size: Int64) throws(FileError)
    /// Makes bytes and size durable (`fdatasync`). After a failure nothing is known about what was written since the
    /// last success, and trying again proves nothing.
    func sync() throws(FileError)
    /// Forgets what memory holds of the file and the disk is said to hold, so that the next reads tell what the disk really
    /// has. To be called after `sync()`: only what is synced is forgotten. An advice, without effect on some systems.
    func dropCached()
}

/// How a file is opened.
public enum OpenMode: Sendable, Hashable {
    /// For reading; must exist.
    case read
    /// For reading and writing; must exist.
    case write
    /// For reading and writing; made when missing.
    case create
}

/// A lock that is held until `release()` or until the last reference goes.
public protocol FileLock: AnyObject, Sendable {
    func release()
}

extension StorageFile {
    /// Writes the readable bytes of a buffer.
    public func write(_ buffer: ByteBuffer, at position: Int64) throws(FileError) {
        var failure: FileError?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(FileError) { try self.write([bytes], at: position) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Reads up to `count` bytes from `position` on; fewer only at the end of the file.
    public func read(_ count: Int, at position: Int64) throws(FileError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        var failure: FileError?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            do throws(FileError) {
                return try self.read(into: UnsafeMutableRawBufferPointer(rebasing: space.prefix(count)), at: position)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return buffer
    }
}

extension FileSystem {
    /// The whole content of a small file.
    public func contents(of path: String) throws(FileError) -> ByteBuffer {
        let file = try open(path, .read)
        return try file.read(Int(try file.size()), at: 0)
    }

    /// Removes a directory with everything in it. A crash half-way leaves a part; calling it again finishes the work.
    public func removeTree(_ directory: String) throws(FileError) {
        for name in try list(directory) {
            let path = "\(directory)/\(name)"
            do throws(FileError) {
                try remove(path)
            } catch  where error.code == .isDirectory {
                try removeTree(path)
            }
        }
        try removeDirectory(directory)
    }

    /// Creates a directory and whatever parents are missing, each durably in its parent.
    public func createDirectories(_ path: String) throws(FileError) {
        guard !path.isEmpty, path != "/", !exists(path) else { return }
        let parent = parentDirectory(of: path)
        try createDirectories(parent)
        do throws(FileError) {
            try createDirectory(path)
        } catch  where error.code == .exists {
            return
        }
        try syncDirectory(parent)
    }
}

/// The path before the last slash; "." for a bare name.
func parentDirectory(of path: String) -> String {
    var trimmed = Substring(path)
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
}
