import GRDB
import Tidings

/// Tidings' own tables; their names begin with `tidings_`.
///
/// Their version is kept in `tidings_schema`, apart from the record that GRDB's `DatabaseMigrator` keeps of the
/// service's own migrations, so that neither stumbles over the other.
public enum SQLiteSchema {
    /// The version that this code works with.
    public static var version: Int { migrations.count }

    /// Brings the tables up to date, in one transaction: processes that start together do not get into each other's way.
    ///
    /// Opening a ``SQLiteStore`` does it, unless the configuration says otherwise:
    /// ```swift
    /// var configuration = SQLiteConfiguration()
    /// configuration.migratesOnOpen = false
    /// let store = try SQLiteStore(path: path, configuration: configuration)
    /// try SQLiteSchema.migrate(store.pool)
    /// ```
    /// - Throws: ``/Tidings/TidingsError/Code/invalidConfiguration`` when the tables are those of a newer Tidings; GRDB's
    ///   `DatabaseError`.
    public static func migrate(_ database: some DatabaseWriter) throws { try migrate(database, to: version) }

    /// Brings the tables to a version, for tests of what leads from there.
    static func migrate(_ database: some DatabaseWriter, to version: Int) throws {
        try database.write { db in
            try db.execute(sql: "CREATE TABLE IF NOT EXISTS tidings_schema (version INTEGER NOT NULL)")
            let current = try Int.fetchOne(db, sql: "SELECT version FROM tidings_schema") ?? 0
            guard current <= version else {
                throw TidingsError(
                    .invalidConfiguration,
                    "the database has version \(current) of Tidings' tables, this program knows \(version)")
            }
            guard current < version else { return }
            for migration in migrations[current..<version] { try db.execute(sql: migration) }
            try db.execute(sql: "DELETE FROM tidings_schema")
            try db.execute(sql: "INSERT INTO tidings_schema (version) VALUES (?)", arguments: [version])
        }
    }

    /// What leads from each version to the next.
    private static var migrations: [String] { [version1, version2, shards, keeping, deadLetters, snapshots, numbers] }

    /// - `tidings_outbox`: events to send. SQLite has one writer at a time, so `sequence` is the order of commits, and is
    ///   never given twice (``numbers``).
    /// - `tidings_outbox_parked`: events that cannot go, with the number they had.
    /// - `tidings_lease`: which relays live.
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

    /// - `tidings_offset`: one row for each lane of a partition.
    /// - `tidings_inbox`: which stamps a lane has seen, as `StampMemory` writes it, and the lane's offset by then.
    private static let version2 = """
        CREATE TABLE tidings_offset_2 (
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            lane INTEGER NOT NULL,
            lanes INTEGER NOT NULL,
            next_offset INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, topic, partition, lane)
        ) WITHOUT ROWID;
        INSERT INTO tidings_offset_2 SELECT consumer_group, topic, partition, 0, 1, next_offset FROM tidings_offset;
        DROP TABLE tidings_offset;
        ALTER TABLE tidings_offset_2 RENAME TO tidings_offset;
        CREATE TABLE tidings_inbox (
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            lane INTEGER NOT NULL,
            outbox TEXT NOT NULL,
            shard INTEGER NOT NULL,
            memory BLOB NOT NULL,
            next_offset INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, topic, partition, lane, outbox, shard)
        ) WITHOUT ROWID;
        """
}
