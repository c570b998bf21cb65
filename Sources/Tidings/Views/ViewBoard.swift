import Logging
import Synchronization

/// Where those who read a view meet those who feed it: the state under its lock, and who waits for what.
final class ViewBoard<State: Sendable>: Sendable {
    private let name: String
    private let core: Mutex<ViewCore<State>>
    private let metrics: ViewMetrics
    private let logger: Logger

    init(_ name: String, _ live: ViewCore<State>.Edition, metrics: ViewMetrics, logger: Logger) {
        self.name = name
        self.metrics = metrics
        self.logger = logger
        core = Mutex(ViewCore(live: live))
    }

    func withCore<R: Sendable>(_ body: (inout ViewCore<State>) throws -> R) rethrows -> R {
        try core.withLock { try body(&$0) }
    }

    // MARK: Waiting

    /// Waits until the view is ready, or includes a record.
    func wait(for condition: ViewCore<State>.Condition) async throws {
        let number = core.withLock { $0.nextWaiter() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = core.withLock { core in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if core.holds(condition) { return .success(()) }
                    if let ending = core.ending { return .failure(ending) }
                    core.waiters[number] = (condition, continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = core.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// The same, for so long.
    ///
    /// - Throws: ``TidingsError/Code/viewNotReady`` when the time is up.
    func wait(
        for place: RecordPlace, within limit: Duration, _ clock: any Clock<Duration>
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask {
                try await self.wait(for: .includes(place))
                return true
            }
            tasks.addTask {
                try await clock.sleep(for: limit)
                return false
            }
            defer { tasks.cancelAll() }
            if try await tasks.next() == false {
                throw TidingsError(
                    .viewNotReady, "the view \(name) did not come to \(place) within \(limit)", isRetriable: true)
            }
        }
    }

    /// The view holds nothing new any more: whoever waits is told.
    func end(_ error: TidingsError) {
        let waiters = core.withLock { core in
            core.ending = error
            defer { core.waiters = [:] }
            return core.waiters.values.map(\.continuation)
        }
        for waiter in waiters { waiter.resume(throwing: error) }
    }

    // MARK: Feeding

    /// Changes an edition, has it take over if it is due, and tells those who waited for that.
    ///
    /// - Returns: false when there is no such edition any more.
    @discardableResult
    func update(_ number: Int, _ body: (inout ViewCore<State>.Edition) throws -> Void) rethrows -> Bool {
        let (isKnown, becameReady, satisfied) = try core.withLock { core in
            let before = core.live.timeToReady
            let isKnown = try core.edit(number) { edition in
                try body(&edition)
                if edition.tracker.isReady, edition.timeToReady == nil { edition.timeToReady = .now - edition.start }
            }
            core.swapIfReady()
            let became = before == nil ? core.live.timeToReady : nil
            return (isKnown, became, core.takeSatisfied())
        }
        if let becameReady {
            metrics.ready(after: becameReady)
            logger.info("a view is ready", metadata: ["view": "\(name)", "after": "\(becameReady)"])
        }
        for waiter in satisfied { waiter.resume() }
        return isKnown
    }
}
