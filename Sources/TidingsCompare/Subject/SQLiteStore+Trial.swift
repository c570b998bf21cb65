import Foundation
import GRDB
import Tidings
import TidingsSQLite

extension SQLiteStore: TrialStore {
    /// Opens a file with the subject's tables.
    ///
    /// - Parameter busyTimeout: how long a transaction waits for others before it fails.
    static func forTrial(_ path: String, busyTimeout: Duration) async throws -> SQLiteStore {
        var configuration = SQLiteConfiguration()
        configuration.busyTimeout = busyTimeout
        let store = try SQLiteStore(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("notes") { db in
            for table in NoteTable.allCases {
                try db.execute(
                    sql: """
                        CREATE TABLE \(table) (sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                            event TEXT NOT NULL, key TEXT NOT NULL)
                        """)
            }
        }
        try store.migrate(migrator)
        return store
    }

    func note(_ table: NoteTable, _ event: EventID, _ key: String, in db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO \(table) (event, key) VALUES (?, ?)")
            .execute(arguments: [event.rawValue, key])
    }

    func breakConstraint(_ event: EventID, in db: Database) throws {
        try db.execute(sql: "INSERT INTO action (event, key) VALUES (?, NULL)", arguments: [event.rawValue])
    }

    func notes(_ table: NoteTable, in db: Database) throws -> [Note] {
        try Row.fetchAll(db, sql: "SELECT event, key, sequence FROM \(table) ORDER BY sequence")
            .map { Note(event: EventID($0[0] as String), key: $0[1], sequence: $0[2]) }
    }

    func outboxIsEmpty(in db: Database) throws -> Bool {
        try Int.fetchOne(db, sql: "SELECT 1 FROM tidings_outbox LIMIT 1") == nil
    }

    /// A transaction that can write keeps all others out; it is on its own thread.
    func hold(for duration: Duration) async throws {
        try await transaction { _ in _ = usleep(UInt32(duration / .microseconds(1))) }  // That is the harm.
    }
}
