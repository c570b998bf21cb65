import GRDB
import Testing
import Tidings
import TidingsTesting

@testable import TidingsSQLite

/// A new directory for the length of a test.
func withDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    let directory = try TemporaryDirectory.make(prefix: "tidings-sqlite")
    do {
        let result = try await body(directory)
        try TemporaryDirectory.remove(directory)
        return result
    } catch {
        try? TemporaryDirectory.remove(directory)
        throw error
    }
}

@Suite(.timeLimit(.minutes(2))) struct SQLiteStoreTests {
    private let record = EventRecord(eventID: "e", topic: "t", key: [1], headers: [], value: [2])

    @Test("the store keeps every promise of the seam", arguments: StoreConformance<SQLiteStore>.checks)
    func conforms(_ check: StoreConformance<SQLiteStore>.Check) async throws {
        try await withDirectory { directory in
            try await check.run { try SQLiteStore(path: directory + "/test.sqlite") }
        }
    }

    @Test("a commit is on disk: synchronous is FULL, the journal a write-ahead log")
    func durable() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let pragmas = try await store.pool.writeWithoutTransaction { db in
                [
                    try String.fetchOne(db, sql: "PRAGMA synchronous"),
                    try String.fetchOne(db, sql: "PRAGMA journal_mode"),
                ]
            }
            #expect(pragmas == ["2", "wal"])
        }
    }

    @Test("appending outside a transaction throws and writes nothing")
    func outsideTransaction() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            let code = try await store.pool.writeWithoutTransaction { db in
                do {
                    try store.append(record, in: db)
                    return nil as TidingsError.Code?
                } catch let error as TidingsError {
                    return error.code
                }
            }
            #expect(code == .notInTransaction)
            #expect(try await store.transaction { try store.outboxStatus(in: $0) }.pending == 0)
        }
    }

    @Test("an append in the caller's own GRDB transaction wakes the relay after the commit")
    func ownTransaction() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            async let woken: Void = store.outboxSignal.wait()
            try await store.pool.write { db in
                try db.execute(sql: "CREATE TABLE own (id INTEGER)")
                try store.append(record, in: db)
            }
            await woken
        }
    }

    @Test("a savepoint that is rolled back takes its events with it")
    func savepoint() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            try await store.pool.write { db in
                var other = record
                other.eventID = "outer"
                try store.append(other, in: db)
                try db.inSavepoint {
                    try store.append(record, in: db)
                    return .rollback
                }
            }
            let claimed = try await store.transaction {
                try store.claimOldest(in: $0)
            }
            #expect(claimed.map(\.record.eventID) == ["outer"])
        }
    }

    @Test("a cancelled task does not tear its transaction")
    func cancellation() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.transaction { try store.append(record, in: $0) }
            }
            try await task.value
            #expect(try await store.transaction { try store.outboxStatus(in: $0) }.pending == 1)
        }
    }

    @Test("the user may run the migrations, and running them twice changes nothing")
    func migrations() async throws {
        try await withDirectory { directory in
            var configuration = SQLiteConfiguration()
            configuration.migratesOnOpen = false
            let store = try SQLiteStore(path: directory + "/test.sqlite", configuration: configuration)
            await #expect(throws: DatabaseError.self) { try await store.transaction { try store.outboxStatus(in: $0) } }
            try SQLiteSchema.migrate(store.pool)
            try SQLiteSchema.migrate(store.pool)
            #expect(try await store.transaction { try store.outboxStatus(in: $0) }.pending == 0)
        }
    }

    @Test("an outbox of before numbers had a mark keeps its events, and goes on where its numbers were")
    func numbersOfOldTables() async throws {
        try await withDirectory { directory in
            var configuration = SQLiteConfiguration()
            configuration.migratesOnOpen = false
            let store = try SQLiteStore(path: directory + "/test.sqlite", configuration: configuration)
            try SQLiteSchema.migrate(store.pool, to: 6)
            try await store.pool.write { db in
                for sequence in 41...43 {
                    try db.execute(
                        sql: "INSERT INTO tidings_outbox VALUES (?, 'e', 't', NULL, x'', NULL, 0)",
                        arguments: [sequence])
                }
                try db.execute(sql: "DELETE FROM tidings_outbox WHERE sequence = 43")
            }
            try SQLiteSchema.migrate(store.pool)
            let record = record
            try await store.transaction { try store.append(record, in: $0) }
            #expect(try await sequences(store) == [41, 42, 44])
            // A program of before still runs, and leaves the number to SQLite.
            for expected in [[41, 42, 44, 45], [46]] as [[Int64]] {
                try await store.pool.write { db in
                    try db.execute(
                        sql: """
                            INSERT INTO tidings_outbox (event_id, topic, headers, appended_at) VALUES ('e', 't', x'', 0)
                            """)
                }
                #expect(try await sequences(store) == expected)
                try await store.pool.write { try $0.execute(sql: "DELETE FROM tidings_outbox") }
            }
        }
    }

    @Test("a number is never given twice, in whatever order events leave, and whoever removes them")
    func numbersAreNotGivenTwice() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            for _ in 0..<4 { try await store.transaction { try store.append(record, in: $0) } }
            for gone in [[4], [2, 3], [1]] {
                try await store.pool.write { db in
                    for sequence in gone {
                        try db.execute(sql: "DELETE FROM tidings_outbox WHERE sequence = ?", arguments: [sequence])
                    }
                }
            }
            for _ in 0..<2 { try await store.transaction { try store.append(record, in: $0) } }
            #expect(try await sequences(store) == [5, 6])
            try await store.pool.write { try $0.execute(sql: "DELETE FROM tidings_outbox") }
            let again = try SQLiteStore(path: directory + "/test.sqlite")
            try await again.transaction { try again.append(record, in: $0) }
            #expect(try await sequences(again) == [7])
        }
    }

    private func sequences(_ store: SQLiteStore) async throws -> [Int64] {
        try await store.pool.read { db in
            try Int64.fetchAll(db, sql: "SELECT sequence FROM tidings_outbox ORDER BY sequence")
        }
    }

    @Test("tables of a newer Tidings are refused, not touched")
    func newerTables() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            try await store.pool.write { try $0.execute(sql: "UPDATE tidings_schema SET version = 99") }
            #expect(throws: TidingsError.self) { try SQLiteStore(path: directory + "/test.sqlite") }
        }
    }

    @Test("the service's own migrations run once, however many start together, and know nothing of Tidings' tables")
    func ownMigrations() async throws {
        try await withDirectory { directory in
            try await withThrowingTaskGroup(of: Void.self) { starters in
                for _ in 0..<4 {
                    starters.addTask {
                        let store = try SQLiteStore(path: directory + "/test.sqlite")
                        var migrator = DatabaseMigrator()
                        migrator.registerMigration("1") { try $0.execute(sql: "CREATE TABLE own (id INTEGER)") }
                        try store.migrate(migrator)
                        #expect(try await store.pool.read(migrator.hasBeenSuperseded) == false)
                    }
                }
                try await starters.waitForAll()
            }
        }
    }

    @Test("a sequence number is never given twice, not even when the newest row is gone")
    func sequences() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            let record = record
            var sequences: [Int64] = []
            for _ in 0..<3 {
                try await store.transaction { try store.append(record, in: $0) }
                let claimed = try await store.transaction {
                    try store.claimOldest(in: $0)
                }
                sequences += claimed.map(\.sequence)
                try await store.transaction { try store.settleAsSent(claimed, in: $0) }
            }
            #expect(sequences == [1, 2, 3])
        }
    }

    @Test("a lease that ended more than a day ago is forgotten, and its epoch does not come again")
    func forgottenLease() async throws {
        try await withDirectory { directory in
            let store = try SQLiteStore(path: directory + "/test.sqlite")
            func lease(_ name: String) async throws -> Lease? {
                let request = LeaseRequest(name: name, owner: name, duration: .seconds(60))
                return try await store.transaction { try store.lease(request, in: $0) }
            }
            let first = try #require(try await lease("old"))
            try await store.transaction { db in
                try db.execute(sql: "UPDATE tidings_lease SET expires_at = expires_at - 90000000")
            }
            #expect(try await lease("new") != nil)
            #expect(
                try await store.transaction { try store.leases(withPrefix: "", in: $0) }.map(\.lease.name) == ["new"])
            #expect(try #require(try await lease("old")).epoch > first.epoch)
        }
    }
}
