import GRDB
import Glibc
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// A store with two tables of the subject's own, without a unique key in either: what comes twice shows.
protocol SubjectStore: Store {
    /// Notes an event in `action` or `effect`.
    func note(_ table: String, _ event: EventID, _ key: String, in transaction: Transaction) throws
}

extension FaultSubject {
    static func openStore(_ database: String) async throws -> any SubjectStore {
        if database.hasPrefix("postgres://") {
            let usesLog = getenv("TIDINGS_OUTBOX").map { String(cString: $0) } == "log"
            let store = try await PostgresStore(
                PostgresConfiguration(database), outbox: usesLog ? .log : .table, logger: logger)
            try await store.transaction { db in
                // Several subjects may start at once.
                _ = try db.query("select pg_advisory_xact_lock(1)")
                for table in ["action", "effect"] {
                    try db.execute(
                        """
                        create table if not exists \(table)
                            (sequence bigint generated always as identity, event text not null, key text not null)
                        """)
                }
            }
            return store
        }
        let store = try SQLiteStore(path: database)
        try await store.pool.write { db in
            for table in ["action", "effect"] {
                try db.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS \(table)
                            (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, key TEXT NOT NULL)
                        """)
            }
        }
        return store
    }
}

extension SQLiteStore: SubjectStore {
    func note(_ table: String, _ event: EventID, _ key: String, in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO \(table) (event, key) VALUES (?, ?)", arguments: [event.rawValue, key])
    }
}

extension PostgresStore: SubjectStore {
    func note(_ table: String, _ event: EventID, _ key: String, in db: PostgresTransaction) throws {
        try db.execute("insert into \(table) (event, key) values ($1, $2)", event.rawValue, key)
    }
}
