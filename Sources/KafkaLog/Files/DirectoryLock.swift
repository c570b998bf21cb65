/// Keeps a data directory to one process: an exclusive `flock` on a file named `.lock` in it.
///
/// The kernel lets the lock go when the process ends, however it ends, so no stale lock outlives a `kill -9`.
///
/// ```swift
/// let lock = try DirectoryLock(directory: "/var/lib/tidings", files: PosixFileSystem())
/// defer { lock.release() }
/// ```
public final class DirectoryLock: Sendable {
    /// The directory that is locked.
    public let directory: String
    private let lock: any FileLock

    /// Takes the lock without waiting.
    /// - Throws: `FileError` with code `.locked` when another process (or another part of this one) holds it; other
    ///   codes when the file cannot be made.
    public init(directory: String, files: any FileSystem = PosixFileSystem()) throws(FileError) {
        self.directory = directory
        self.lock = try files.lock("\(directory)/.lock")
    }

    /// Lets the lock go; it also goes with the last reference.
    public func release() { lock.release() }
}
