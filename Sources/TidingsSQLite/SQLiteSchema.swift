import GRDB

/// Tidings' own tables; their names begin with `tidings_`.
public enum SQLiteSchema {
    /// Brings the tables up to date. It keeps its own record of what it has done, apart from the user's migrations.
    ///
    /// ```swift
    /// var configuration = SQLiteConfiguration()
    /// configuration.migratesOnOpen = false
    /// let store = try SQLiteStore(path: path, configuration: configuration)
    /// try SQLiteSchema.migrator.migrate(store.pool)
    /// ```
    public static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("tidings.1") { db in try db.execute(sql: version1) }
        return migrator
    }

    /// - `tidings_outbox`: events to send. SQLite has one writer at a time, so `sequence` is the order of commits;
    ///   AUTOINCREMENT never gives a number twice, not even after the newest row is gone.
    /// - `tidings_outbox_parked`: events that cannot go, with the number they had.
    /// - `tidings_lease`: who relays.
    /// - `tidings_offset`: the offset of the next record to handle.
    /// - `tidings_parked`: received records that could not be handled.
    ///
    /// Times are milliseconds since 1970. Headers are a sequence of (length of name, name, length of value or -1,
    /// value), lengths as 32 bits big-endian.
    private static let version1 = """
        CREATE TABLE tidings_outbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            event_id TEXT NOT NULL,
            topic TEXT NOT NULL,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            appended_at INTEGER NOT NULL
        );
        CREATE TABLE tidings_outbox_parked (
            sequence INTEGER PRIMARY KEY,
            event_id TEXT NOT NULL,
            topic TEXT NOT NULL,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            appended_at INTEGER NOT NULL,
            parked_at INTEGER NOT NULL,
            reason TEXT NOT NULL
        );
        CREATE INDEX tidings_outbox_parked_key ON tidings_outbox_parked (topic, key);
        CREATE TABLE tidings_lease (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE tidings_offset (
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            next_offset INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, topic, partition)
        ) WITHOUT ROWID;
        CREATE TABLE tidings_parked (
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            "offset" INTEGER NOT NULL,
            timestamp INTEGER,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            reason TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            parked_at INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, topic, partition, "offset")
        );
        CREATE INDEX tidings_parked_key ON tidings_parked (consumer_group, topic, key);
        """
}
