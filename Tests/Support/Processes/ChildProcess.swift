import Foundation
import Synchronization

/// A program under test, as a real process: started, watched, killed and started again.
///
/// Standard output arrives line by line in ``lines``; standard error is kept for the failure message.
/// Spawned by hand rather than with `Foundation.Process`, whose children inherit each other's pipes when they are started
/// at the same time: the end of one is then noticed only when the other ends, too.
public final class ChildProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var errors = ""
        var partial = Data()
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
    private let input: FileHandle

    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        name = URL(fileURLWithPath: executable).lastPathComponent
        let environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors, standardInput, processID) = try Self.starting.withLock { _ in
            let (output, errors, standardInput) = (Pipe(), Pipe(), Pipe())
            for pipe in [output, errors, standardInput] {
                for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
                    _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
                }
            }
            let theirs = [
                standardInput.fileHandleForReading, output.fileHandleForWriting, errors.fileHandleForWriting,
            ]
            let processID = try Self.spawn([executable] + arguments, environment: environment, theirs)
            for end in theirs { try end.close() }
            return (output, errors, standardInput, processID)
        }
        input = standardInput.fileHandleForWriting
        self.processID = processID
        read(output.fileHandleForReading) { [self] data in receive(data) }
        read(errors.fileHandleForReading) { [self] data in
            state.withLock { $0.errors += String(decoding: data, as: UTF8.self) }
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

    /// One child at a time is started, so that none inherits a pipe that is being made for another.
    private static let starting = Mutex(())

    /// Starts a program that has these three files and no others.
    private static func spawn(
        _ arguments: [String], environment: [String: String], _ files: [FileHandle]
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, file) in files.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file.fileDescriptor, Int32(number))
        }
        // The test runner's threads may have blocked signals, which the child would inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var processID: pid_t = 0
        let status = posix_spawn(&processID, arguments[0], &actions, &attributes, argv, envp)
        guard status == 0 else {
            throw Failure(description: "\(arguments[0]) does not start: \(String(cString: strerror(status)))")
        }
        return processID
    }

    /// A thread per pipe, not a `readabilityHandler`: its dispatch source may outlive the file descriptor, which another
    /// part of the process has reused by then, and libdispatch crashes.
    private func read(_ handle: FileHandle, _ take: @escaping @Sendable (Data) -> Void) {
        Thread.detachNewThread {
            while true {
                let data = handle.availableData
                take(data)
                if data.isEmpty { return }
            }
        }
    }

    private func receive(_ data: Data) {
        state.withLock {
            $0.partial += data
            while let end = $0.partial.firstIndex(of: UInt8(ascii: "\n")) {
                $0.lines.append(String(decoding: $0.partial[$0.partial.startIndex..<end], as: UTF8.self))
                $0.partial = Data($0.partial[$0.partial.index(after: end)...])
            }
            if data.isEmpty { $0.closed = true }
            $0.wake()
        }
    }

    /// Everything printed on standard output so far.
    public var lines: [String] { state.withLock { $0.lines } }
    /// Everything printed on standard error so far.
    public var errors: String { state.withLock { $0.errors } }

    /// Writes to the child's standard input and closes it.
    public func send(_ text: String) throws {
        try input.write(contentsOf: Data(text.utf8))
        try input.close()
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
                try Task.checkCancellation()
            }
        }
    }

    /// The rest of the first line that starts with `prefix`.
    public func waitForLine(startingWith prefix: String, within limit: Duration = .seconds(30)) async throws -> String {
        try await waitFor("line “\(prefix)…”", within: limit) { lines in
            lines.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
    }

    public func signal(_ number: Int32) { kill(processID, number) }

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
                try Task.checkCancellation()
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
