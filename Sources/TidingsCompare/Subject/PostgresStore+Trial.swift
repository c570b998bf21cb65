import Logging
import Tidings
import TidingsPostgres

extension PostgresStore: TrialStore {
    /// Connects, with a schema of its own that has the subject's tables and Tidings'.
    static func forTrial(_ url: String, schema: String, logger: Logger) async throws -> PostgresStore {
        let store = PostgresStore(pool: PostgresPool(configuration(url, schema: schema), logger: logger))
        try await store.transaction { db in
            // Several subjects may start at once.
            _ = try db.query("select pg_advisory_xact_lock(\(Self.lockID))")
            try db.execute("create schema if not exists \"\(schema)\"")
            for table in NoteTable.allCases {
                try db.execute(
                    """
                    create table if not exists \(table)
                        (sequence bigint generated always as identity, event text not null, key text not null)
                    """)
            }
        }
        try await PostgresSchema.migrate(store.pool)
        return store
    }

    /// Drops such a schema with all that is in it.
    static func dropTrial(_ url: String, schema: String, logger: Logger) async throws {
        let pool = PostgresPool(configuration(url, schema: schema), logger: logger)
        try await pool.transaction { db in try db.execute("drop schema if exists \"\(schema)\" cascade") }
        pool.close()
    }

    private static let lockID = 8_251_977

    private static func configuration(_ url: String, schema: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(url)
        configuration.parameters["options"] = "-c search_path=\(schema)"
        configuration.parameters["application_name"] = schema
        configuration.connectTimeout = .seconds(5)
        return configuration
    }

    func note(_ table: NoteTable, _ event: EventID, _ key: String, in db: PostgresTransaction) throws {
        try db.execute("insert into \(table) (event, key) values ($1, $2)", event.rawValue, key)
    }

    func breakConstraint(_ event: EventID, in db: PostgresTransaction) throws {
        try db.execute("insert into action (event, key) values ($1, null)", event.rawValue)
    }

    func notes(_ table: NoteTable, in db: PostgresTransaction) throws -> [Note] {
        try db.query("select event, key, sequence from \(table) order by sequence").map {
            Note(event: EventID(try $0[0] as String), key: try $0[1], sequence: try $0[2])
        }
    }

    func outboxIsEmpty(in db: PostgresTransaction) throws -> Bool {
        try db.query("select not exists (select from tidings_outbox)")[0][0]
    }

    /// Breaks every other connection to this schema as soon as it is there.
    func hold(for duration: Duration) async throws {
        let clock = ContinuousClock()
        let end = clock.now + duration
        while clock.now < end {
            try await transaction { db in
                _ = try db.query(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = current_setting('application_name') and pid <> pg_backend_pid()
                    """)
            }
            try await Task.sleep(for: .milliseconds(2))  // The pace of the harm.
        }
    }
}
