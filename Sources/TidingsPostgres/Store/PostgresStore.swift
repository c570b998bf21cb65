import Logging
import Synchronization
import Tidings

/// A service's PostgreSQL database (13 or later), with the tables of outbox and subscriptions beside the service's own.
///
/// ```swift
/// let store = try await PostgresStore(PostgresConfiguration("postgres://shop@db.example/order"), logger: logger)
/// let orders = try await store.pool.transaction { db in try db.query("select id, total from orders") }
/// ```
///
/// Events of one key leave in the order in which their transactions commit, whichever process they come from; see
/// ``PostgresSchema`` for the tables.
public final class PostgresStore: Store {
    public typealias Transaction = PostgresTransaction

    /// The connections, for the service's own reads, writes and migrations.
    public let pool: PostgresPool

    public let outboxSignal = OutboxSignal()

    /// Tells other processes what ``outboxSignal`` tells this one.
    let announcer: OutboxAnnouncer

    /// From which number on each shard's rows are looked for.
    let floors = Mutex<[Int32: OutboxFloor]>([:])

    /// The outbox's identity when it was last looked at.
    let identity = Mutex<String?>(nil)

    /// The log that is the outbox; nil when the outbox is the table alone.
    let log: OutboxLog?

    /// Half of the connections, at most four.
    public var usualLanes: Int { max(1, min(4, pool.configuration.maximumConnections / 2)) }

    /// Uses a pool whose database has the tables already; the outbox is the table.
    public init(pool: PostgresPool) {
        self.pool = pool
        log = nil
        announcer = OutboxAnnouncer(pool.configuration, logger: pool.logger)
    }

    /// Uses a pool whose database has the tables already; makes what is missing of slot and publication where the outbox is
    /// the log (``PostgresLog/prepare(_:)``).
    ///
    /// - Throws: ``PostgresError``, among them ``PostgresError/Code/slotLost``.
    public init(pool: PostgresPool, outbox: PostgresOutbox) async throws {
        self.pool = pool
        announcer = OutboxAnnouncer(pool.configuration, logger: pool.logger)
        switch outbox.kind {
        case .table:
            log = nil
            try await PostgresLog.checkUnused(pool)
        case .log:
            log = OutboxLog(
                pool.configuration, slot: try await PostgresLog.prepare(pool), signal: outboxSignal)
        }
    }

    /// Connects, and brings Tidings' own tables up to date.
    ///
    /// - Parameter outbox: where events wait to be sent.
    /// - Throws: ``PostgresError``.
    public convenience init(
        _ configuration: PostgresConfiguration, outbox: PostgresOutbox = .table, logger: Logger
    ) async throws {
        let pool = PostgresPool(configuration, logger: logger)
        try await PostgresSchema.migrate(pool)
        try await self.init(pool: pool, outbox: outbox)
    }

    /// Closes the connections.
    public func close() {
        log?.reset()
        announcer.close()
        pool.close()
    }

    /// Runs `body` in one transaction: commits when it returns, rolls back when it throws, and rethrows that very error.
    ///
    /// `body` runs again when the server refused it for a conflict with another transaction. Cancelling the task does
    /// not tear a transaction that has been asked for; ``PostgresPool/transaction(_:)`` is the one that can be broken
    /// off.
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        try await pool.transaction(isCancellable: false, body)
    }

    /// Whether the error may pass by itself.
    ///
    /// A commit whose outcome is unknown counts: relay and subscription repeat it safely, since the offset's
    /// compare-and-set and the entries' numbers tell what has happened. Others look at ``PostgresError/isRetriable``.
    public func isRetriable(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return false }
        return error.isRetriable || error.code == .commitUnknown
    }
}
