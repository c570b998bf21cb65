import Logging
import Synchronization

/// One connection to a PostgreSQL server, on a thread of its own.
///
/// libpq's calls block, so they never run on Swift's cooperative threads. Transactions of several tasks queue up.
/// Usually a ``PostgresPool`` holds the connections.
public final class PostgresConnection: Sendable {
    private let thread: PostgresThread
    private let bell: Bell
    private let usable = Atomic(true)

    /// The process that serves this connection on the server, as `pg_stat_activity` shows it.
    public let processID: Int32

    private init(thread: PostgresThread, bell: Bell, processID: Int32) {
        self.thread = thread
        self.bell = bell
        self.processID = processID
    }

    deinit { thread.close() }

    /// Connects.
    ///
    /// - Throws: ``PostgresError/Code/connectionFailed``; ``PostgresError/Code/invalidConfiguration`` for a connection
    ///   string that libpq cannot read; ``PostgresError/Code/unsupportedServer``.
    public static func connect(
        _ configuration: PostgresConfiguration, logger: Logger
    ) async throws -> PostgresConnection {
        let bell = try Bell()
        let thread = PostgresThread(name: "postgres")
        do {
            let processID = try await thread.run { session in
                let opened = try PostgresSession(configuration, bell: bell, logger: logger)
                session = opened
                return opened.processID
            }
            return PostgresConnection(thread: thread, bell: bell, processID: processID)
        } catch {
            thread.close()
            throw error
        }
    }

    /// False once the connection is broken; then only ``close()`` remains.
    public var isUsable: Bool { usable.load(ordering: .acquiring) }

    /// Closes the connection when the transactions at hand are done.
    public func close() {
        usable.store(false, ordering: .releasing)
        thread.close()
    }

    /// Runs `body` in a transaction on the connection's thread: commits when it returns, rolls back when it throws.
    ///
    /// Cancelling the task breaks off the statement that is under way and rolls back.
    /// - Throws: `body`'s error; ``PostgresError``; `CancellationError`.
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        do {
            return try await work { try $0.transaction(body) }
        } catch let stale as PostgresSession.Stale {
            throw stale.cause
        }
    }

    /// Runs one statement that cannot be part of a transaction, such as `create database`.
    ///
    /// - Returns: how many rows it wrote.
    @discardableResult
    public func executeAlone(_ sql: String, _ parameters: (any PostgresEncodable)?...) async throws -> Int {
        let request = PostgresRequest(
            sql: sql, parameters: parameters.map { $0?.postgresValue ?? .null }, isPrepared: false)
        return try await work { try $0.exchange([request]).first?.affectedRows ?? 0 }
    }

    /// Runs `body` on the thread; a cancellation rings the session's bell.
    func work<R: Sendable>(
        isCancellable: Bool = true, _ body: @escaping @Sendable (PostgresSession) throws -> R
    ) async throws -> R {
        let interruption = Interruption()
        return try await withTaskCancellationHandler {
            try await thread.run { session in
                guard let session else { throw PostgresError(.closed, "the connection is closed") }
                if isCancellable { try interruption.attach(self.bell) } else { self.bell.silence() }
                defer {
                    interruption.detach()
                    self.usable.store(session.isUsable, ordering: .releasing)
                }
                do {
                    return try body(session)
                } catch let error as PostgresError where error.code == .cancelled && interruption.isCancelled {
                    throw CancellationError()
                }
            }
        } onCancel: {
            interruption.cancel()
        }
    }
}

extension PostgresSession {
    /// One attempt at a transaction.
    func transaction<R>(_ body: (PostgresTransaction) throws -> R) throws -> R {
        try checkIdle()
        let transaction = PostgresTransaction(self)
        let result: R
        let afterCommit: [@Sendable () -> Void]
        do {
            result = try body(transaction)
            afterCommit = try transaction.commit()
        } catch {
            transaction.rollBack()
            throw error
        }
        if isInTransaction { giveUp() }
        for action in afterCommit { action() }
        return result
    }
}
