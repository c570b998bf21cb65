import ArgumentParser
import Foundation

/// The least that durability costs on this disk.
enum BareDisk {
    /// Appends 170 bytes, a batch of one record of 100 bytes, and syncs them; microseconds of each.
    static func appends(_ samples: Int) async throws -> [Double] {
        try await withFile { file in
            let bytes = [UInt8](repeating: 1, count: 170)
            return (0..<samples).map { _ in
                let started = ContinuousClock.now
                _ = write(file, bytes, bytes.count)
                fdatasync(file)
                return (ContinuousClock.now - started).seconds * 1e6
            }
        }
    }

    /// Writes so many bytes, a piece after the other, each synced; seconds of all.
    static func writes(_ count: Int, piece: Int = 1 << 20) async throws -> Double {
        try await withFile { file in
            let bytes = [UInt8](repeating: 1, count: piece)
            let started = ContinuousClock.now
            for start in stride(from: 0, to: count, by: piece) {
                guard write(file, bytes, min(piece, count - start)) > 0, fdatasync(file) == 0 else {
                    throw ValidationError("the disk takes no more")
                }
            }
            return (ContinuousClock.now - started).seconds
        }
    }

    /// Reads a file from the disk, not from memory, in pieces; seconds.
    static func read(_ path: String, piece: Int = 1 << 20) throws -> Double {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw ValidationError("cannot read \(path)") }
        defer { close(file) }
        fdatasync(file)
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        var bytes = [UInt8](repeating: 0, count: piece)
        let started = ContinuousClock.now
        while Glibc.read(file, &bytes, piece) > 0 {}
        return (ContinuousClock.now - started).seconds
    }

    private static func withFile<R>(_ body: (Int32) throws -> R) async throws -> R {
        try await withDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let file = open("\(directory)/bytes", O_CREAT | O_WRONLY | O_APPEND, 0o600)
            guard file >= 0 else { throw ValidationError("cannot write to \(directory)") }
            defer { close(file) }
            return try body(file)
        }
    }
}
