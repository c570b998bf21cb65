import Foundation
import Synchronization

/// A process of a trial that is started again whenever it dies, until it is told to stop.
final class Role: Sendable {
    /// Who it is.
    enum Name: String, CaseIterable, Sendable {
        case publisher, relay, handler

        /// How the names of its steps begin.
        var stepPrefix: String {
            switch self {
            case .publisher: "publish."
            case .relay: "relay."
            case .handler: "subscription."
            }
        }
    }

    private struct State {
        var process: SubjectProcess?
        var killAt: String?
        var kills = 0
        var starts = 0
        var isStopping = false
    }

    let name: Name
    private let command: [String]
    private let log: String
    private let state: Mutex<State>
    private let firstKill = AsyncStream<Void>.makeStream()
    private let firstStart = AsyncStream<SubjectProcess>.makeStream()

    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - killAt: the step at which its first process kills itself.
    init(_ name: Name, _ command: [String], killAt: String?, log: String) {
        self.name = name
        self.command = command
        self.log = log
        state = Mutex(State(killAt: killAt))
    }

    /// How often one of its processes was killed.
    var kills: Int { state.withLock { $0.kills } }

    /// Runs its processes one after the other until ``stop()``, or only one that ends well.
    ///
    /// - Throws: ``SweepError`` when they die again and again of themselves.
    func keepRunning(_ arguments: [String] = []) async throws {
        while let process = try start(arguments) {
            if await end(of: process) == 0 { return }
            try Task.checkCancellation()
        }
    }

    /// Starts a process; nil when it is to stop.
    func start(_ arguments: [String] = []) throws -> SubjectProcess? {
        try state.withLock { state in
            guard !state.isStopping else { return nil }
            state.starts += 1
            guard state.starts - state.kills < 20 else {
                throw SweepError("the \(name.rawValue) ends again and again; its last words are in \(log)")
            }
            let process = try SubjectProcess(
                command + arguments, environment: [KillProbe.variable: state.killAt ?? ""], log: log)
            state.killAt = nil
            state.process = process
            firstStart.continuation.yield(process)
            firstStart.continuation.finish()
            return process
        }
    }

    /// Waits for the end of a process, and counts it when it was killed.
    func end(of process: SubjectProcess) async -> Int32 {
        let status = await process.end()
        if status == -SIGKILL {
            state.withLock { $0.kills += 1 }
            firstKill.continuation.finish()
        }
        return status
    }

    /// Returns when one of its processes was killed.
    func wasKilled() async throws {
        for await _ in firstKill.stream {}
        try Task.checkCancellation()
    }

    /// Returns when its first process has printed a line that begins like this.
    func says(_ prefix: String) async throws {
        for await process in firstStart.stream { _ = try await process.line(startingWith: prefix) }
        try Task.checkCancellation()
    }

    /// Kills the process that runs now.
    func kill() { state.withLock { $0.process }?.signal(SIGKILL) }

    /// Lets the process that runs now end in order, and starts no other.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            return state.process
        }?.signal(SIGTERM)
    }
}
