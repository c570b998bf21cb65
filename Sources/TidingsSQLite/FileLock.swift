import Tidings

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A lock between processes that the kernel gives back when its holder dies.
enum FileLock {
    /// Runs `body` while this process alone holds the lock of `path`, whose file is made when there is none and stays.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/invalidConfiguration`` when the file cannot be made; what `body` throws.
    static func holding<R>(_ path: String, _ body: () throws -> R) throws -> R {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw TidingsError(.invalidConfiguration, "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw TidingsError(.invalidConfiguration, "cannot lock \(path): \(String(cString: strerror(errno)))")
            }
        }
        return try body()
    }
}
