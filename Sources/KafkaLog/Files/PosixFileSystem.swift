import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The operating system's files. Interrupted calls are resumed, short writes continued, descriptors never inherited.
public struct PosixFileSystem: FileSystem {
    public init() {}

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any StorageFile {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT
            }
        return PosixFile(descriptor: try openDescriptor(path, flags), path: path)
    }

    public func list(_ directory: String) throws(FileError) -> [String] {
        guard let stream = opendir(directory) else { throw systemError("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw systemError("list", directory) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    public func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    public func createDirectory(_ path: String) throws(FileError) {
        if mkdir(path, 0o755) != 0 { throw systemError("create directory", path) }
    }

    public func remove(_ path: String) throws(FileError) {
        if unlink(path) != 0 { throw systemError("remove", path) }
    }

    public func removeDirectory(_ path: String) throws(FileError) {
        if rmdir(path) != 0 { throw systemError("remove directory", path) }
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        #if canImport(Glibc)
            let status = Glibc.rename(path, newPath)
        #elseif canImport(Musl)
            let status = Musl.rename(path, newPath)
        #else
            let status = Darwin.rename(path, newPath)
        #endif
        if status != 0 { throw systemError("rename", path) }
    }

    public func syncDirectory(_ directory: String) throws(FileError) {
        let descriptor = try openDescriptor(directory, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw systemError("sync directory", directory) }
    }

    public func space(of directory: String) -> VolumeSpace? {
        var volume = statvfs()
        guard statvfs(directory, &volume) == 0 else { return nil }
        let block = Int64(volume.f_frsize)
        return VolumeSpace(total: Int64(volume.f_blocks) * block, free: Int64(volume.f_bavail) * block)
    }

    public func lock(_ path: String) throws(FileError) -> any FileLock {
        let descriptor = try openDescriptor(path, O_RDWR | O_CREAT)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let error = systemError("lock", path)
            close(descriptor)
            throw error
        }
        return PosixLock(descriptor: descriptor)
    }

    private func openDescriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
        while true {
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o644)
            #elseif canImport(Musl)
                let descriptor = Musl.open(path, flags | O_CLOEXEC, 0o644)
            #else
                let descriptor = Darwin.open(path, flags | O_CLOEXEC, 0o644)
            #endif
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw systemError("open", path) }
        }
    }
}

private func systemError(_ operation: String, _ path: String) -> FileError {
    FileError(errorNumber: errno, operation: operation, path: path)
}

/// A file descriptor; closed with the last reference, so that a reader can never meet a number that is used anew.
private final class PosixFile: StorageFile {
    private let descriptor: Int32
    private let path: String
    /// `pwritev` takes no more pieces than this at once (IOV_MAX on Linux).
    private static let mostPieces = 1024

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    func write(_ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(FileError) {
        var vectors = pieces.map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        var first = 0
        var position = position
        while first < vectors.count {
            if vectors[first].iov_len == 0 {
                first += 1
                continue
            }
            let count = Int32(min(vectors.count - first, Self.mostPieces))
            let written = vectors.withUnsafeBufferPointer { all in
                pwritev(descriptor, all.baseAddress.map { $0 + first }, count, off_t(position))
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw systemError("write", path)
            }
            position += Int64(written)
            var left = written
            while left > 0 {
                let step = min(left, vectors[first].iov_len)
                vectors[first].iov_base = vectors[first].iov_base.map { $0 + step }
                vectors[first].iov_len -= step
                left -= step
                if vectors[first].iov_len == 0 { first += 1 }
            }
        }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int {
        var done = 0
        while done < bytes.count {
            let count = pread(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(position) + off_t(done))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw systemError("read", path)
            }
            done += count
        }
        return done
    }

    func size() throws(FileError) -> Int64 {
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw systemError("inspect", path) }
        return Int64(status.st_size)
    }

    func truncate(to size: Int64) throws(FileError) {
        while ftruncate(descriptor, off_t(size)) != 0 {
            if errno != EINTR { throw systemError("truncate", path) }
        }
    }

    func sync() throws(FileError) {
        // Never repeated, not even after EINTR: a failed sync may have dropped what it could not write.
        #if canImport(Darwin)
            let status = fcntl(descriptor, F_FULLFSYNC)
        #else
            let status = fdatasync(descriptor)
        #endif
        if status != 0 { throw systemError("sync", path) }
    }

    func dropCached() {
        #if os(Linux)
            _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        #endif
    }
}

/// A descriptor that holds an `flock`; closing it lets the lock go.
private final class PosixLock: FileLock {
    private let descriptor: Mutex<Int32?>

    init(descriptor: Int32) { self.descriptor = Mutex(descriptor) }

    deinit { release() }

    func release() {
        descriptor.withLock { held in
            if let number = held { close(number) }
            held = nil
        }
    }
}
