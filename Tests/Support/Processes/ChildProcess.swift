import Foundation
import Synchronization

/// A program under test, as a real process: started, watched, killed and started again.
///
/// Standard output arrives line by line in ``lines``; standard error is kept for the failure message.
/// Not a structured runner, because a test's whole point is that this process's life does not follow the test's
/// scopes: it is killed in the middle of things. Three threads of its own read its output, its errors and its end.
public final class ChildProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var errors = ""
        var partial: [UInt8] = []
        var closed = false
        var exitStatus: Int32?
        /// Counts what happened, so that nothing between a look and a wait is missed.
        var version = 0
        var changed: [CheckedContinuation<Void, Never>] = []

        mutating func wake() {
            version += 1
            let waiting = changed
            changed = []
            for waiter in waiting { waiter.resume() }
        }
    }

    private let state = Mutex(State())
    public let processID: Int32
    private let name: String
    private let input: Int32

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // One at a time, so that no child is born with another's pipe in its hands.
        let (output, errors, input, child) = try Self.spawning.withLock { _ in
            let pipes = (try Descriptors(), try Descriptors(), try Descriptors())
            let child = try Self.spawn(
                [executable] + arguments, environment: variables,
                descriptors: [pipes.2.read, pipes.0.write, pipes.1.write])
            return (pipes.0, pipes.1, pipes.2, child)
        }
        name = executable.split(separator: "/").last.map(String.init) ?? executable
        self.input = input.write
        processID = child
        for descriptor in [input.read, output.write, errors.write] { close(descriptor) }
        Thread.detachNewThread { [self] in
            drain(output.read) { receive($0) }
            state.withLock {
                $0.closed = true
                $0.wake()
            }
        }
        Thread.detachNewThread { [self] in
            drain(errors.read) { data in state.withLock { $0.errors += String(decoding: data, as: UTF8.self) } }
        }
        Thread.detachNewThread { [self] in
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            state.withLock {
                $0.exitStatus = signal == 0 ? (status >> 8) & 0xFF : -signal
                $0.wake()
            }
        }
    }

    private static let spawning = Mutex(())

    private struct Descriptors: Sendable {
        let read: Int32
        let write: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(errno)") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (read, write) = (ends[0], ends[1])
        }
    }

    /// Starts the program with `descriptors` as its standard input, output and errors, and with nothing else open.
    private static func spawn(
        _ command: [String], environment: [String: String], descriptors: [Int32]
    ) throws -> Int32 {
        // Sockets too: a child that holds a broker's listening socket keeps its port taken after the broker has gone.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            if let open = Int32(name), open > 2 { _ = fcntl(open, F_SETFD, FD_CLOEXEC) }
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        // The spawning thread may block signals; the child must not inherit that, or SIGTERM would never arrive.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var child: pid_t = 0
        let result = posix_spawnp(&child, command[0], &actions, &attributes, &arguments, &variables)
        guard result == 0 else { throw Failure(description: "cannot start \(command[0]): error \(result)") }
        return child
    }

    /// Reads until the other side closes.
    private func drain(_ descriptor: Int32, _ take: (ArraySlice<UInt8>) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 { take(buffer[..<count]) } else if count == 0 || errno != EINTR { break }
        }
        close(descriptor)
    }

    private func receive(_ data: ArraySlice<UInt8>) {
        state.withLock {
            $0.partial += data
            var rest = $0.partial[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                $0.lines.append(String(decoding: rest[..<end], as: UTF8.self))
                rest = rest[(end + 1)...]
            }
            $0.partial = Array(rest)
            $0.wake()
        }
    }

    /// Everything printed on standard output so far.
    public var lines: [String] { state.withLock { $0.lines } }
    /// Everything printed on standard error so far.
    public var errors: String { state.withLock { $0.errors } }

    /// Writes to the child's standard input and closes it.
    public func send(_ text: String) throws {
        defer { close(input) }
        try FileHandle(fileDescriptor: input).write(contentsOf: Data(text.utf8))
    }

    /// Waits until `match` finds what it wants in the lines printed so far.
    public func waitFor<T: Sendable>(
        _ what: String, within limit: Duration = .seconds(30),
        _ match: @escaping @Sendable ([String]) -> T?
    ) async throws -> T {
        try await withDeadline(limit, describe: { "\(self.name): no \(what)\n\(self.report)" }) {
            while true {
                try Task.checkCancellation()
                let version = self.version
                if let found = match(self.lines) { return found }
                if self.hasEnded { throw Failure(description: "\(self.name) ended without \(what)\n\(self.report)") }
                await self.change(since: version)
            }
        }
    }

    /// The rest of the first line that starts with `prefix`.
    public func waitForLine(startingWith prefix: String, within limit: Duration = .seconds(30)) async throws -> String {
        try await waitFor("line “\(prefix)…”", within: limit) { lines in
            lines.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
    }

    public func signal(_ number: Int32) {
        // Its number may be somebody else's by now.
        state.withLock { if $0.exitStatus == nil { kill(processID, number) } }
    }

    /// SIGSTOP, and waits until every thread stands still: the others go on until the one that takes the signal runs.
    ///
    /// A first thread that has ended shows as a zombie (Z) as long as others live.
    public func freeze() async throws {
        signal(SIGSTOP)
        try await eventually("\(self.name) stands still") { try Set(self.threadStates).subtracting("Z") == ["T"] }
    }

    /// Lets a frozen process go on.
    public func thaw() { signal(SIGCONT) }

    private var threadStates: [Character] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task").compactMap { thread in
                // The state follows the name, which is in parentheses and may hold any character.
                let status = try? String(contentsOfFile: "/proc/\(processID)/task/\(thread)/stat", encoding: .utf8)
                return status?.split(separator: ")").last?.dropFirst().first
            }
        }
    }

    /// SIGKILL, and waits until the process is gone.
    public func killAndWait() async throws {
        signal(SIGKILL)
        _ = try await waitForExit()
    }

    /// Waits for the end; the exit status, or minus the signal that ended it.
    @discardableResult
    public func waitForExit(within limit: Duration = .seconds(60)) async throws -> Int32 {
        try await withDeadline(limit, describe: { "\(self.name) does not end\n\(self.report)" }) {
            while true {
                try Task.checkCancellation()
                let version = self.version
                if let status = self.state.withLock({ $0.closed ? $0.exitStatus : nil }) { return status }
                await self.change(since: version)
            }
        }
    }

    private var hasEnded: Bool { state.withLock { $0.closed && $0.exitStatus != nil } }

    private var report: String {
        state.withLock {
            "last output: \($0.lines.suffix(5).joined(separator: "\n"))\nerrors: \($0.errors.suffix(2000))"
        }
    }

    private var version: Int { state.withLock { $0.version } }

    /// Returns once something happened after `version`; at once when the waiting task is cancelled.
    private func change(since version: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock {
                    if $0.version != version || Task.isCancelled {
                        continuation.resume()
                    } else {
                        $0.changed.append(continuation)
                    }
                }
            }
        } onCancel: {
            state.withLock { $0.wake() }
        }
    }
}

/// Runs `body`, or throws what `describe` says when it takes longer than `limit`.
public func withDeadline<T: Sendable>(
    _ limit: Duration, describe: @escaping @Sendable () -> String, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw ChildProcess.Failure(description: "\(describe()) (waited \(limit))")
        }
        return value
    }
}
