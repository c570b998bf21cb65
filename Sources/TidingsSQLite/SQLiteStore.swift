import GRDB
import Synchronization
import Tidings

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A service's SQLite database through GRDB, with the tables of outbox and subscriptions beside the service's own.
///
/// ```swift
/// let store = try SQLiteStore(path: "order.sqlite")
/// try store.migrate(OrderSchema.migrator)                    // the service's own tables
/// let orders = try await store.pool.read { db in try Order.fetchAll(db) }
/// ```
///
/// The database is opened as a `DatabasePool` in WAL mode with `synchronous=FULL`: a transaction that has committed is
/// on disk and survives a power cut. Transactions that can write begin immediately, and wait up to
/// ``SQLiteConfiguration/busyTimeout`` for those of other processes: several processes may share one file.
public final class SQLiteStore: Store {
    /// GRDB's connection, inside a transaction.
    public typealias Transaction = Database

    /// The connections, for the service's own reads, writes and migrations.
    public let pool: DatabasePool

    /// Raised after each commit, in this process, that appended an event.
    public let outboxSignal = OutboxSignal()

    private let lockPath: String

    /// Tells other processes what ``outboxSignal`` tells this one.
    let outboxFile: OutboxFile

    /// Whether the transaction under way raises the signal at its end; the pool has one writer.
    let signalIsArmed = Atomic(false)

    /// Opens the database, creating it when there is none.
    ///
    /// - Throws: GRDB's `DatabaseError` when the file cannot be opened or migrated.
    public init(path: String, configuration: SQLiteConfiguration = SQLiteConfiguration()) throws {
        lockPath = path + "-lock"
        // Switching to WAL refuses, rather than waits for, another process that does the same.
        pool = try FileLock.holding(lockPath) {
            let pool = try SQLiteStore.open(path: path, configuration: configuration)
            if configuration.migratesOnOpen { try SQLiteSchema.migrate(pool) }
            return pool
        }
        outboxFile = OutboxFile(besideDatabase: path)
    }

    /// Runs the service's own migrations while no other process does.
    ///
    /// `DatabaseMigrator` looks first and migrates then, so that of two processes that start together on a new database
    /// one would fail; here the second waits, and finds nothing left to do.
    public func migrate(_ migrator: DatabaseMigrator) throws {
        try FileLock.holding(lockPath) { try migrator.migrate(pool) }
    }

    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> R
    ) async throws -> R {
        // Not `pool.write`, which a cancelled task interrupts: whoever has sent a batch must be able to mark it.
        try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { db in
                continuation.resume(
                    with: Result {
                        var result: R?
                        try db.inTransaction(.immediate) {
                            result = try body(db)
                            return .commit
                        }
                        guard let result else { throw DatabaseError(resultCode: .SQLITE_ABORT) }
                        return result
                    })
            }
        }
    }

    public func isRetriable(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_INTERRUPT: return true
        default: return false
        }
    }

    private static func open(path: String, configuration: SQLiteConfiguration) throws -> DatabasePool {
        var options = Configuration()
        options.busyMode = .callback(waiting(configuration.busyTimeout))
        options.maximumReaderCount = configuration.maximumReaderCount
        options.label = "tidings"
        let pool = try DatabasePool(path: path, configuration: options)
        // GRDB sets synchronous=NORMAL after `prepareDatabase`, so FULL set there would silently do nothing.
        try pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        return pool
    }

    /// Looks again every millisecond. SQLite's own busy timeout waits up to a tenth of a second between two looks, which
    /// a transaction of another process that takes half a millisecond does not deserve.
    private static func waiting(_ timeout: Duration) -> Database.BusyCallback {
        let attempts = Int(timeout.seconds * 1000)
        return { attempt in
            guard attempt < attempts else { return false }
            usleep(1000)  // On its own thread: SQLite has locks to look at, but nothing to wait on.
            return true
        }
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
