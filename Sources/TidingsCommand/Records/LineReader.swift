import Dispatch
import Glibc
import Synchronization

/// Reads a file, a pipe or a terminal line by line, on a thread of its own, so that nobody else waits for it.
///
/// What is there is given out at once, several lines together; a line that is not ended yet waits for its end.
final class LineReader: Sendable {
    /// The longest line that is kept in memory.
    static let longestLine = 64 << 20

    private struct State {
        var rest: [UInt8] = []
        var isAtEnd = false
    }

    private let name: String
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "lines")
    private let isCancelled = Atomic(false)
    private let state = Mutex(State())
    private let count = Atomic<Int64>(0)

    /// How many bytes were read.
    var position: Int64 { count.load(ordering: .relaxed) }
    /// How many there are, if it is a file.
    let size: Int64?

    /// Standard input, or the file at a path.
    init(path: String?) throws {
        name = path ?? "standard input"
        if let path {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        } else {
            descriptor = STDIN_FILENO
        }
        var status = stat()
        let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile ? Int64(status.st_size) : nil
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// The next lines, without their ends; nil at the end.
    ///
    /// - Throws: ``CommandFailure`` when it cannot be read; `CancellationError`.
    func next() async throws -> [ArraySlice<UInt8>]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try self.read() }) }
            }
        } onCancel: {
            isCancelled.store(true, ordering: .relaxed)
        }
    }

    private func read() throws -> [ArraySlice<UInt8>]? {
        try state.withLock { state in
            while !state.isAtEnd {
                try waitForInput()
                let chunk = try readSome()
                if chunk.isEmpty {
                    state.isAtEnd = true
                    break
                }
                guard let end = chunk.lastIndex(of: 0x0A) else {
                    state.rest += chunk
                    if state.rest.count > Self.longestLine {
                        throw CommandFailure("\(name) has a line that is longer than 64 MiB")
                    }
                    continue
                }
                let text = state.rest + chunk[..<end]
                state.rest = Array(chunk[(end + 1)...])
                return text.split(separator: 0x0A, omittingEmptySubsequences: false)
            }
            if state.rest.isEmpty { return nil }
            defer { state.rest = [] }
            return [state.rest[...]]
        }
    }

    /// Looks up from time to time, since nothing else would end a wait for a terminal.
    private func waitForInput() throws {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, 100) == 0 {
            if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
        }
        if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
    }

    private func readSome() throws -> [UInt8] {
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, initialized in
            let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if got < 0 { error = errno }
            initialized = max(0, got)
        }
        if error != 0, error != EINTR {
            throw CommandFailure("\(name) cannot be read: \(String(cString: strerror(error)))")
        }
        if error == EINTR { return try readSome() }
        count.add(Int64(bytes.count), ordering: .relaxed)
        return bytes
    }
}
