import Foundation
import Synchronization

/// A process that a sweep or a measurement starts, listens to and kills.
///
/// Its standard output arrives line by line; its errors go to a file. Its standard input ends when this process does:
/// ``ParentWatch`` in the child then ends it too, however this one died. No structured runner, since its life does not
/// follow scopes: it is killed in the middle of things. A thread of its own reads its output and waits for its end.
package final class SubjectProcess: Sendable {
    private struct State {
        var lines: [String] = []
        var status: Int32?
        /// Counts what happened, so that nothing between a look and a wait is missed.
        var version = 0
        var waiting: [CheckedContinuation<Void, Never>] = []

        mutating func wake() {
            version += 1
            for waiter in waiting { waiter.resume() }
            waiting = []
        }
    }

    package let processID: Int32
    private let input: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - environment: what to set beside this process's own variables.
    ///   - log: the file to which its errors are appended.
    /// - Throws: ``SweepError`` when it cannot be started.
    package init(_ command: [String], environment: [String: String] = [:], log: String) throws {
        let errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard errors >= 0 else { throw SweepError("cannot write \(log): error \(errno)") }
        defer { close(errors) }
        // One at a time, so that no child is born with another's pipe in its hands.
        let (child, input, output) = try Self.spawning.withLock { _ in
            let (input, output) = (try Pipe(), try Pipe())
            defer { for end in [input.read, output.write] { close(end) } }
            let child = try Self.spawn(command, environment, [input.read, output.write, errors])
            return (child, input.write, output.read)
        }
        processID = child
        self.input = input
        Thread.detachNewThread { [self] in attend(output) }
    }

    private static let spawning = Mutex(())

    private struct Pipe {
        let read: Int32
        let write: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            guard pipe(&ends) == 0 else { throw SweepError("no pipe: error \(errno)") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (read, write) = (ends[0], ends[1])
        }
    }

    /// Starts the program with `descriptors` as its standard input, output and errors, in a process group of its own: a
    /// Ctrl-C is ours to pass on.
    private static func spawn(
        _ command: [String], _ environment: [String: String], _ descriptors: [Int32]
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in arguments + settings { free(text) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, command[0], &actions, &attributes, &arguments, &settings)
        guard result == 0 else { throw SweepError("cannot start \(command[0]): error \(result)") }
        return child
    }

    /// Reads lines until the child closes its output, then waits for its end.
    private func attend(_ output: Int32) {
        var partial: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(output, &buffer, buffer.count)
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                break
            }
            partial += buffer[..<count]
            let pieces = partial.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            partial = Array(pieces.last ?? [])
            let lines = pieces.dropLast().map { String(decoding: $0, as: UTF8.self) }
            state.withLock {
                $0.lines += lines
                $0.wake()
            }
        }
        close(output)
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        close(input)
        state.withLock {
            $0.status = signal == 0 ? (status >> 8) & 0xFF : -signal
            $0.wake()
        }
    }

    /// What it has printed so far.
    package var lines: [String] { state.withLock { $0.lines } }

    /// Sends a signal, unless the process has ended.
    package func signal(_ number: Int32) {
        state.withLock { if $0.status == nil { kill(processID, number) } }
    }

    /// Waits for its end; when the waiting task is cancelled, the process is killed first.
    ///
    /// - Returns: the exit status, or minus the signal that ended it.
    package func end() async -> Int32 {
        await withTaskCancellationHandler {
            while true {
                let (status, version) = state.withLock { ($0.status, $0.version) }
                if let status { return status }
                await change(since: version)
            }
        } onCancel: {
            signal(SIGKILL)
        }
    }

    /// Waits for a line that starts with `prefix`, and yields the rest of it.
    ///
    /// - Throws: ``SweepError`` when it ends without one; `CancellationError`.
    package func line(startingWith prefix: String) async throws -> String {
        try await withTaskCancellationHandler {
            while true {
                let (lines, status, version) = state.withLock { ($0.lines, $0.status, $0.version) }
                if let line = lines.first(where: { $0.hasPrefix(prefix) }) {
                    return String(line.dropFirst(prefix.count))
                }
                if let status { throw SweepError("ended with \(status) before it said “\(prefix)”") }
                try Task.checkCancellation()
                await change(since: version)
            }
        } onCancel: {
            state.withLock { $0.wake() }
        }
    }

    /// Returns once something happened after `version`.
    private func change(since version: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock {
                if $0.version == version { $0.waiting.append(continuation) } else { continuation.resume() }
            }
        }
    }
}

/// Why a sweep or a trial could not be carried out.
public struct SweepError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
