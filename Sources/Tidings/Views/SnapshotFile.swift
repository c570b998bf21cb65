#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that is replaced as a whole: whoever reads it finds the old content or the new one, after a power cut too.
/// Its calls block.
enum SnapshotFile {
    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ doing: String, _ path: String) {
            description = "\(doing) \(path): \(String(cString: strerror(errno)))"
        }
    }

    /// The file's content, or the beginning of it; nil if there is none.
    static func read(_ path: String, atMost limit: Int = .max) throws -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure("opening", path)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw Failure("reading", path) }
        let size = min(Int(status.st_size), limit)
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let read = pread(file, buffer.baseAddress.map { $0 + count }, size - count, off_t(count))
                if read < 0, errno == EINTR { continue }
                guard read >= 0 else { throw Failure("reading", path) }
                if read == 0 { break }
                count += read
            }
        }
    }

    /// Writes beside the old file, syncs, takes its place, and syncs the folder.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let beside = path + ".new"
        let file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure("making", beside) }
        do {
            defer { close(file) }
            try bytes.withUnsafeBytes { bytes in
                var written = 0
                while written < bytes.count {
                    let count = pwrite(
                        file, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(written))
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { throw Failure("writing", beside) }
                    written += count
                }
            }
            guard fsync(file) == 0 else { throw Failure("syncing", beside) }
        } catch {
            unlink(beside)
            throw error
        }
        guard rename(beside, path) == 0 else { throw Failure("replacing", path) }
        try syncFolder(of: path)
    }

    private static func syncFolder(of path: String) throws {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure("opening", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Failure("syncing", folder) }
    }
}
