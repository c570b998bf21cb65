import Foundation
import Synchronization

/// A program under test, as a real process: started, watched, killed and started again.
///
/// Standard output arrives line by line in ``lines``; standard error is kept for the failure message.
/// `Foundation.Process` rather than a structured runner, because a test's whole point is that this process's
/// life does not follow the test's scopes: it is killed in the middle of things.
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
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, errors, standardInput) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = standardInput
        name = URL(fileURLWithPath: executable).lastPathComponent
        input = standardInput.fileHandleForWriting
        try process.run()
        processID = process.processIdentifier
        output.fileHandleForReading.readabilityHandler = { [self] handle in receive(handle) }
        errors.fileHandleForReading.readabilityHandler = { [self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            state.withLock { $0.errors += String(decoding: data, as: UTF8.self) }
        }
        process.terminationHandler = { [self] process in
            state.withLock {
                let status = process.terminationStatus
                $0.exitStatus = process.terminationReason == .exit ? status : -status
                $0.wake()
            }
        }
    }

    private func receive(_ handle: FileHandle) {
        let data = handle.availableData
        if data.isEmpty { handle.readabilityHandler = nil }
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
