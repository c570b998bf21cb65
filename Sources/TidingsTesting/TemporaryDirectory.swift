import Glibc

/// Directories for the length of a test.
public enum TemporaryDirectory {
    /// A file operation that failed.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Makes an empty directory `prefix-XXXXXX` under `TMPDIR`, or `/tmp`.
    public static func make(prefix: String) throws -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/\(prefix)-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let made else {
            throw Failure(description: "cannot make a directory in \(parent): \(String(cString: strerror(errno)))")
        }
        return made
    }

    /// Removes a directory with everything in it. Symbolic links are removed, not followed.
    public static func remove(_ path: String) throws {
        guard let directory = opendir(path) else {
            throw Failure(description: "cannot open \(path): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let child = "\(path)/\(name)"
            if unlink(child) != 0 { try remove(child) }
        }
        guard rmdir(path) == 0 else {
            throw Failure(description: "cannot remove \(path): \(String(cString: strerror(errno)))")
        }
    }
}
