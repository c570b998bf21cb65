import Dispatch
import Logging
import Synchronization

/// A handful of connections to one database, opened when they are needed and replaced when they break.
///
/// ```swift
/// let pool = PostgresPool(PostgresConfiguration("postgres://shop@db.example/order"), logger: logger)
/// let count = try await pool.transaction { db in
///     try db.execute("delete from cart where touched_at < $1", deadline)
/// }
/// ```
public final class PostgresPool: Sendable {
    /// What a waiting task is given: a connection, or the right to open one.
    private enum Grant: Sendable {
        case connection(PostgresConnection)
        case permit
    }

    private struct Waiter {
        var id: UInt64
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Grant, any Error>
    }

    private struct State {
        var idle: [PostgresConnection] = []
        /// Connections that are idle, in use or being opened.
        var open = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var isTimerSet = false
        var isClosed = false
    }

    public let configuration: PostgresConfiguration
    let logger: Logger
    private let state = Mutex(State())

    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    deinit { close() }

    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws, and rethrows that very error.
    ///
    /// `body` runs again when the server refused it for a conflict with another transaction, at most
    /// ``PostgresConfiguration/conflictRetries`` times, so it has no effects outside the database. Cancelling the task
    /// breaks off the statement that is under way and rolls back.
    /// - Throws: `body`'s error; ``PostgresError``; `CancellationError`.
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await transaction(isCancellable: true, body)
    }

    /// Runs one statement that cannot be part of a transaction, such as `create database` or `vacuum`.
    ///
    /// - Returns: how many rows it wrote.
    @discardableResult
    public func executeAlone(_ sql: String, _ parameters: (any PostgresEncodable)?...) async throws -> Int {
        let request = PostgresRequest(
            sql: sql, parameters: parameters.map { $0?.postgresValue ?? .null }, isPrepared: false)
        return try await work(isCancellable: true) { session in
            try session.checkIdle()
            return try session.exchange([request]).first?.affectedRows ?? 0
        }
    }

    /// Closes the idle connections now and the others when they come back; whoever waits for one gets
    /// ``PostgresError/Code/closed``.
    public func close() {
        let (idle, waiters) = state.withLock { state in
            defer {
                state.open -= state.idle.count
                state.idle = []
                state.waiters = []
                state.isClosed = true
            }
            return (state.idle, state.waiters)
        }
        for connection in idle { connection.close() }
        for waiter in waiters { waiter.continuation.resume(throwing: Self.closed) }
    }

    func transaction<R: Sendable>(
        isCancellable: Bool, _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        var conflicts = 0
        while true {
            do {
                return try await work(isCancellable: isCancellable) { try $0.transaction(body) }
            } catch let error as PostgresError where error.isConflict && conflicts < configuration.conflictRetries {
                conflicts += 1
                logger.debug("a transaction met a conflict and runs again", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Runs `body` with a connection; one that broke while it was idle is replaced, and nobody notices.
    private func work<R: Sendable>(
        isCancellable: Bool, _ body: @escaping @Sendable (PostgresSession) throws -> R
    ) async throws -> R {
        while true {
            let (connection, isFresh) = try await acquire(isCancellable: isCancellable)
            defer { release(connection) }
            do {
                return try await connection.work(isCancellable: isCancellable, body)
            } catch let stale as PostgresSession.Stale {
                if isFresh { throw stale.cause }
            }
        }
    }

    // MARK: Connections

    private func acquire(isCancellable: Bool) async throws -> (PostgresConnection, isFresh: Bool) {
        switch try await grant(isCancellable: isCancellable) {
        case .connection(let connection): return (connection, false)
        case .permit:
            do {
                return (try await PostgresConnection.connect(configuration, logger: logger), true)
            } catch {
                giveBackPermit()
                throw error
            }
        }
    }

    private func grant(isCancellable: Bool) async throws -> Grant {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = isCancellable && Task.isCancelled
                let answer: Result<Grant, any Error>? = state.withLock { state in
                    if state.isClosed { return .failure(Self.closed) }
                    if isCancelled { return .failure(CancellationError()) }
                    if let connection = state.idle.popLast() { return .success(.connection(connection)) }
                    if state.open < configuration.maximumConnections {
                        state.open += 1
                        return .success(.permit)
                    }
                    let deadline = ContinuousClock.now + configuration.acquireTimeout
                    state.waiters.append(Waiter(id: id, deadline: deadline, continuation: continuation))
                    setTimer(&state)
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            if isCancellable { dismiss(id) }
        }
    }

    private func release(_ connection: PostgresConnection) {
        let isUsable = connection.isUsable
        let (waiter, isKept) = state.withLock { state -> (Waiter?, Bool) in
            guard isUsable, !state.isClosed else { return (nil, false) }
            if !state.waiters.isEmpty { return (state.waiters.removeFirst(), true) }
            state.idle.append(connection)
            return (nil, true)
        }
        waiter?.continuation.resume(returning: .connection(connection))
        if !isKept {
            connection.close()
            giveBackPermit()
        }
    }

    private func giveBackPermit() {
        let waiter = state.withLock { state -> Waiter? in
            if !state.waiters.isEmpty { return state.waiters.removeFirst() }
            state.open -= 1
            return nil
        }
        waiter?.continuation.resume(returning: .permit)
    }

    private func dismiss(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }

    // MARK: Deadlines

    /// One timer for all who wait: they come and go in order, and all wait equally long.
    private func setTimer(_ state: inout State) {
        guard !state.isTimerSet, let first = state.waiters.first else { return }
        state.isTimerSet = true
        let wait = Int(max(1, (first.deadline - .now).milliseconds + 1))
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(wait)) { [weak self] in
            self?.expireWaiters()
        }
    }

    private func expireWaiters() {
        let expired = state.withLock { state in
            let now = ContinuousClock.now
            let expired = state.waiters.prefix { $0.deadline <= now }
            state.waiters.removeFirst(expired.count)
            state.isTimerSet = false
            setTimer(&state)
            return expired
        }
        let error = PostgresError(
            .poolTimeout,
            "all \(configuration.maximumConnections) connections stayed in use for \(configuration.acquireTimeout)")
        for waiter in expired { waiter.continuation.resume(throwing: error) }
    }

    private static let closed = PostgresError(.closed, "the pool is closed")
}
