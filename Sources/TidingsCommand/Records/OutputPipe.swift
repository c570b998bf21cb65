import Dispatch
import Glibc

/// Standard output for much: it is written on a thread of its own, so that a reader that is slow holds up nobody else.
final class OutputPipe: Sendable {
    /// Nobody reads any more.
    struct Closed: Error {}

    private let queue = DispatchQueue(label: "output")

    /// From here on a reader that goes away is an error, and no signal that ends the process.
    init() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Writes all of it.
    ///
    /// - Throws: ``Closed``; ``CommandFailure`` for any other error, a full disk for instance.
    func write(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result { try Self.writeAll(bytes) }) }
        }
    }

    private static func writeAll(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let count = Glibc.write(STDOUT_FILENO, buffer.baseAddress! + written, buffer.count - written)
                if count >= 0 {
                    written += count
                } else if errno == EPIPE {
                    throw Closed()
                } else if errno != EINTR {
                    throw CommandFailure.output(errno)
                }
            }
        }
    }
}
