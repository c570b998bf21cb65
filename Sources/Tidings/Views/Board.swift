import Synchronization

/// What a ``Board`` holds under its lock.
protocol BoardCore: Sendable {
    associatedtype Condition: Sendable

    /// Whether that is so now. What holds once may cease to.
    func holds(_ condition: Condition) -> Bool

    /// Why it holds nothing new any more.
    var ending: (any Error)? { get set }
}

/// Where those who read something meet those who feed it: a core under its lock, and who waits for what.
final class Board<Core: BoardCore>: Sendable {
    private struct Content: Sendable {
        var core: Core
        var waiters: [Int: (condition: Core.Condition, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var lastWaiter = 0

        mutating func takeSatisfied() -> [CheckedContinuation<Void, any Error>] {
            if waiters.isEmpty { return [] }
            let satisfied = waiters.filter { core.holds($0.value.condition) }
            for key in satisfied.keys { waiters[key] = nil }
            return satisfied.values.map(\.continuation)
        }
    }

    private let content: Mutex<Content>

    init(_ core: Core) {
        content = Mutex(Content(core: core))
    }

    /// Looks at the core.
    func withCore<R: Sendable>(_ body: (Core) throws -> R) rethrows -> R {
        try content.withLock { try body($0.core) }
    }

    /// Changes the core, and tells those who waited for that.
    @discardableResult
    func update<R: Sendable>(_ body: (inout Core) throws -> R) rethrows -> R {
        let (result, satisfied) = try content.withLock { content in
            (try body(&content.core), content.takeSatisfied())
        }
        for waiter in satisfied { waiter.resume() }
        return result
    }

    /// Waits until a condition holds.
    ///
    /// - Throws: the core's ending, when that comes first; `CancellationError`.
    func wait(for condition: Core.Condition) async throws {
        let number = content.withLock { content in
            content.lastWaiter += 1
            return content.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = content.withLock { content in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if content.core.holds(condition) { return .success(()) }
                    if let ending = content.core.ending { return .failure(ending) }
                    content.waiters[number] = (condition, continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = content.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// The same, for so long.
    ///
    /// - Throws: `tooLate` when the time is up.
    func wait(
        for condition: Core.Condition, within limit: Duration, _ clock: any Clock<Duration>,
        orThrow tooLate: TidingsError
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await self.wait(for: condition)
                return true
            }
            tasks.addTask {
                try await clock.sleep(for: limit)
                return false
            }
            defer { tasks.cancelAll() }
            if try await tasks.next() == false { throw tooLate }
        }
    }

    /// The core holds nothing new any more: whoever waits is told.
    func end(_ error: TidingsError) {
        let waiters = content.withLock { content in
            content.core.ending = error
            defer { content.waiters = [:] }
            return content.waiters.values.map(\.continuation)
        }
        for waiter in waiters { waiter.resume(throwing: error) }
    }
}
