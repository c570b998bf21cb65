import Foundation
import Testing
import Tidings
import TidingsPostgres

@Suite("The outbox on PostgreSQL", .timeLimit(.minutes(2)))
struct OutboxTests {
    @Test("a lease that ended more than a day ago is forgotten, and its epoch does not come again")
    func forgottenLease() async throws {
        try await withStore { store in
            func lease(_ name: String) async throws -> Lease? {
                let request = LeaseRequest(name: name, owner: name, duration: .seconds(60))
                return try await store.transaction { try store.lease(request, in: $0) }
            }
            let first = try #require(try await lease("old"))
            try await store.transaction { db in
                try db.execute("update tidings_lease set expires_at = expires_at - interval '25 hours'")
            }
            #expect(try await lease("new") != nil)
            #expect(
                try await store.transaction { try store.leases(withPrefix: "", in: $0) }.map(\.lease.name) == ["new"])
            #expect(try #require(try await lease("old")).epoch > first.epoch)
        }
    }

    @Test("a second transaction of the same key waits for the first, so numbers follow the order of commits")
    func commitInversion() async throws {
        try await withStore { store in
            let (appended, goOn) = (Gate(), Gate())
            let first = Task {
                try await store.transaction { db in
                    try store.append(record("first", key: "a"), in: db)
                    // Written early because of the savepoint: from here on the key is locked and the number drawn.
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                }
            }
            await appended.wait()
            let second = Task {
                try await store.transaction { db in try store.append(record("second", key: "a"), in: db) }
            }
            try await store.waitForLockWaiters(1)
            #expect(try await store.claimedIDs() == [])
            goOn.open()
            try await first.value
            try await second.value
            #expect(try await store.claimedIDs() == ["first", "second"])
        }
    }

    @Test("the same with the first rolled back: the second goes on and is the only one")
    func commitInversionWithRollback() async throws {
        struct Change: Error {}
        try await withStore { store in
            let (appended, goOn) = (Gate(), Gate())
            let first = Task {
                try await store.transaction { db in
                    try store.append(record("first", key: "a"), in: db)
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                    throw Change()
                }
            }
            await appended.wait()
            let second = Task {
                try await store.transaction { db in try store.append(record("second", key: "a"), in: db) }
            }
            try await store.waitForLockWaiters(1)
            goOn.open()
            await #expect(throws: Change.self) { try await first.value }
            try await second.value
            #expect(try await store.claimedIDs() == ["second"])
        }
    }

    @Test("an event that commits late is claimed late, though its number is earlier")
    func differentKeys() async throws {
        try await withStore { store in
            let (appended, goOn) = (Gate(), Gate())
            let slow = Task {
                try await store.transaction { db in
                    try store.append(record("slow", key: "a"), in: db)
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                }
            }
            await appended.wait()
            try await store.transaction { db in try store.append(record("quick", key: "b"), in: db) }
            try await store.transaction { db in try store.append(record("no key", key: nil), in: db) }
            let sent = try await store.transaction { db in
                try store.claimOldest(in: db)
            }
            #expect(sent.map(\.record.eventID.rawValue) == ["quick", "no key"])
            try await store.transaction { db in try store.settleAsSent(sent, in: db) }
            goOn.open()
            try await slow.value
            let late = try await store.transaction { db in
                try store.claimOldest(in: db)
            }
            #expect(late.map(\.record.eventID.rawValue) == ["slow"])
            #expect(late[0].sequence < sent[0].sequence)
        }
    }

    @Test("what is sent is removed without a look at what waits behind it, also in a table that was never analysed")
    func removesOnlyWhatIsSent() async throws {
        try await withStore { store in
            try await store.transaction { db in
                for number in 0..<20_000 { try store.append(record("\(number)", key: "a"), in: db) }
            }
            for _ in 0..<3 {
                let sent = try await store.transaction { db in try store.claimOldest(500, in: db) }
                #expect(sent.count == 500)
                let read: Int64 = try await store.transaction { db in
                    let count = """
                        select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables
                        where relid = 'tidings_outbox'::regclass
                        """
                    let before: Int64 = try db.query(count)[0][0]
                    try store.settleAsSent(sent, in: db)
                    return try db.query(count)[0][0] - before
                }
                #expect((500...1000).contains(read))
            }
        }
    }

    @Test("writers of many keys in every order never block each other for good, and each key stays in order")
    func manyWriters() async throws {
        let (writers, rounds) = (8, 25)
        try await withStore({ $0.conflictRetries = 0 }) { store in
            try await store.transaction { db in
                try db.execute("create table counter (key text primary key, value bigint not null)")
                try db.execute("insert into counter select 'k' || n, 0 from generate_series(0, 4) n")
            }
            try await withThrowingTaskGroup { group in
                for writer in 0..<writers {
                    group.addTask {
                        for round in 0..<rounds {
                            let keys = [(writer + round) % 5, (writer * 3 + round * 2) % 5].map { "k\($0)" }
                            try await store.transaction { db in
                                // The row's own lock makes the value the order of commits, the keys in one order.
                                for key in Set(keys).sorted() {
                                    let row = try db.query(
                                        "update counter set value = value + 1 where key = $1 returning value", key)[0]
                                    let value: Int = try row[0]
                                    try store.append(record("\(key)-\(value)", key: key), in: db)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            var last: [Substring: Int] = [:]
            for id in try await store.claimedIDs() {
                let parts = id.split(separator: "-")
                let value = try #require(Int(parts[1]))
                #expect(value == last[parts[0], default: 0] + 1, "\(id) is out of order")
                last[parts[0]] = value
            }
            #expect(last.count == 5)
        }
    }

    @Test("a rollback leaves nothing, a savepoint's rollback only what stood before it")
    func rollback() async throws {
        struct Change: Error {}
        try await withStore { store in
            await #expect(throws: Change.self) {
                try await store.transaction { db in
                    try store.append(record("never", key: "a"), in: db)
                    throw Change()
                }
            }
            #expect(try await store.claimedIDs() == [])
            try await store.transaction { db in
                try store.append(record("before", key: "a"), in: db)
                try? db.savepoint { db in
                    try store.append(record("inside", key: "a"), in: db)
                    throw Change()
                }
                try store.append(record("after", key: "a"), in: db)
            }
            #expect(try await store.claimedIDs() == ["before", "after"])
        }
    }

    @Test("an append to a transaction that is over throws")
    func outsideTransaction() async throws {
        /// Carries a transaction out of its closure, which nobody should do.
        final class Smuggler: @unchecked Sendable { var transaction: PostgresTransaction? }
        try await withStore { store in
            let smuggler = Smuggler()
            try await store.transaction { db in smuggler.transaction = db }
            let over = try #require(smuggler.transaction)
            let error = #expect(throws: TidingsError.self) { try store.append(record("late", key: "a"), in: over) }
            #expect(error?.code == .notInTransaction)
            #expect(throws: PostgresError.self) { try over.execute("select 1") }
            #expect(try await store.claimedIDs() == [])
        }
    }

    @Test("a transaction with very many keys takes a limited number of locks")
    func manyKeys() async throws {
        try await withStore { store in
            try await store.transaction { db in
                for number in 0..<20_000 { try store.append(record("\(number)", key: "key \(number)"), in: db) }
                try db.savepoint { _ in }
                let locks: Int = try db.query(
                    "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()")[0][0]
                #expect(locks <= 1024)
            }
            let status = try await store.transaction { db in try store.outboxStatus(in: db) }
            #expect(status.pending == 20_000)
        }
    }

    @Test("the signal is raised by a commit that appended")
    func signal() async throws {
        try await withStore { store in
            try await store.transaction { db in try store.append(record("one", key: "a"), in: db) }
            await store.outboxSignal.wait()
        }
    }

    @Test("a claim keeps to its limits, but always takes one")
    func claimLimits() async throws {
        try await withStore { store in
            let size = record("1", key: "a").size
            try await store.transaction { db in
                for number in 1...5 { try store.append(record("\(number)", key: "a"), in: db) }
            }
            for (count, bytes, expected) in [(10, size * 3, 3), (2, size * 3, 2), (10, size * 3 - 1, 2), (10, 1, 1)] {
                let claimed = try await store.transaction { db in
                    try store.claimOldest(count, bytes: bytes, in: db)
                }
                #expect(claimed.map(\.record.eventID.rawValue) == (1...expected).map { "\($0)" })
                #expect(claimed.first?.record == record("1", key: "a"))
            }
        }
    }

    @Test("keys too long for an index entry can be parked")
    func longKeys() async throws {
        let key = String(repeating: "long", count: 10_000)
        try await withStore { store in
            try await store.transaction { db in
                try store.append(record("1", key: key), in: db)
                try store.append(record("2", key: key), in: db)
                let first = try store.claimOldest(1, bytes: 1, in: db)[0]
                try store.settle(
                    OutboxSettlement(
                        batches: [first.batch], parked: [OutboxParking(entry: first, reason: "no\0good")]), in: db)
                let second = try store.claimOldest(1, bytes: 1, in: db)[0]
                #expect(second.isBehindParked)
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                try store.park(
                    ParkedRecord(
                        place: place, offset: 1, timestamp: Timestamp(millisecondsSince1970: .max),
                        key: Array(key.utf8), headers: [], value: nil, reason: "no\0good", attempts: 3),
                    in: db)
                #expect(
                    try store.parkedOffsets(among: [Array(key.utf8), [1]], of: place, in: db) == [Array(key.utf8): 1])
            }
        }
    }

    @Test("many processes may bring the tables up to date at once; later versions are refused")
    func migrations() async throws {
        try await withPool { pool in
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 { group.addTask { try await PostgresSchema.migrate(pool) } }
                try await group.waitForAll()
            }
            try await PostgresSchema.migrate(pool)
            try await pool.transaction { db in
                try db.execute("insert into tidings_schema (version) values ($1)", Int32(PostgresSchema.version + 1))
            }
            let error = await postgresError { try await PostgresSchema.migrate(pool) }
            #expect(error?.code == .newerSchema)
            #expect(error?.isFatal == true)
        }
    }

    @Test("cancelling a task does not tear a transaction of the store")
    func notTorn() async throws {
        try await withStore { store in
            let (started, goOn) = (Gate(), Gate())
            let task = Task {
                try await store.transaction { db in
                    try store.append(record("one", key: "a"), in: db)
                    started.open()
                    goOn.waitBlocking()
                    _ = try db.query("select pg_sleep(0.01)")
                }
                try await store.transaction { db in try store.append(record("two", key: "a"), in: db) }
            }
            await started.wait()
            task.cancel()
            goOn.open()
            try await task.value
            #expect(try await store.claimedIDs() == ["one", "two"])
        }
    }
}

extension PostgresStore {
    /// Waits until so many transactions of this database wait for an advisory lock.
    func waitForLockWaiters(_ count: Int) async throws {
        while true {
            let waiting: Int = try await transaction { db in
                try db.query(
                    """
                    select count(*) from pg_locks where locktype = 'advisory' and not granted
                    and database = (select oid from pg_database where datname = current_database())
                    """)[0][0]
            }
            if waiting >= count { return }
            await Task.yield()
        }
    }
}
