import GRDB
import Tidings

extension SQLiteSchema {
    /// - `tidings_outbox_sent`: what is out, for as long as ``/Tidings/OutboxRelayConfiguration/keepSent`` says.
    /// - `tidings_outbox_skipped`: what somebody gave up after it was parked, with the number it had.
    static let keeping = """
        CREATE TABLE tidings_outbox_sent (
            sequence INTEGER PRIMARY KEY,
            event_id TEXT NOT NULL,
            topic TEXT NOT NULL,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            appended_at INTEGER NOT NULL,
            sent_at INTEGER NOT NULL
        );
        CREATE INDEX tidings_outbox_sent_at ON tidings_outbox_sent (sent_at);
        CREATE TABLE tidings_outbox_skipped (
            sequence INTEGER PRIMARY KEY,
            event_id TEXT NOT NULL,
            topic TEXT NOT NULL,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            appended_at INTEGER NOT NULL,
            parked_at INTEGER NOT NULL,
            reason TEXT NOT NULL,
            skipped_at INTEGER NOT NULL,
            note TEXT NOT NULL
        );
        """

    /// The version that a file's tables have; nil when it has none of Tidings'. The file is only read.
    ///
    /// - Throws: GRDB's `DatabaseError` when there is no such file, or it is no database.
    public static func version(ofFile path: String) throws -> Int? {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read { db in
            guard try db.tableExists("tidings_schema") else { return nil }
            return try Int.fetchOne(db, sql: "SELECT version FROM tidings_schema")
        }
    }
}
