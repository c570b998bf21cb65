import Foundation
import Processes
import Synchronization
import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

@Suite("An outbox in PostgreSQL's log", .timeLimit(.minutes(2)))
struct LogTests {
    @Test("what is committed leaves in the order of commits, key by key, whoever began first")
    func concurrentCommits() async throws {
        let (writers, rounds) = (6, 30)
        try await withLogStore { store in
            try await store.transaction { db in
                try db.execute("create table counter (key text primary key, value bigint not null)")
                try db.execute("insert into counter select 'k' || n, 0 from generate_series(0, 4) n")
            }
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender)) {
                try await withThrowingTaskGroup { group in
                    for writer in 0..<writers {
                        group.addTask {
                            for round in 0..<rounds {
                                let keys = Set([(writer + round) % 5, (writer * 3 + round * 2) % 5].map { "k\($0)" })
                                try await store.transaction { db in
                                    // The row's own lock makes the value the order of commits.
                                    for key in keys.sorted() {
                                        let row = try db.query(
                                            "update counter set value = value + 1 where key = $1 returning value", key)[
                                                0]
                                        let value: Int = try row[0]
                                        try store.append(record("\(key)-\(value)", key: key), in: db)
                                    }
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let total: Int = try await store.transaction { db in
                    try db.query("select sum(value)::bigint from counter")[0][0]
                }
                _ = await sender.records(atLeast: total)
                #expect(sender.records.count == total)
            }
            var last: [Substring: Int] = [:]
            for id in sender.ids {
                let parts = id.split(separator: "-")
                let value = try #require(Int(parts[1]))
                #expect(value == last[parts[0], default: 0] + 1, "\(id) is out of order")
                last[parts[0]] = value
            }
        }
    }

    @Test("who commits first leaves first, though the other has appended before")
    func commitInversion() async throws {
        try await withLogStore { store in
            let (appended, goOn) = (Gate(), Gate())
            let slow = Task {
                try await store.transaction { db in
                    try store.append(record("appended first", key: "k"), in: db)
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                }
            }
            await appended.wait()
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender)) {
                try await store.append("committed first")
                #expect(await sender.ids(atLeast: 1) == ["committed first"])
                goOn.open()
                try await slow.value
                #expect(await sender.ids(atLeast: 2) == ["committed first", "appended first"])
            }
        }
    }

    @Test("what is rolled back, as a transaction or to a savepoint, never appears")
    func rollbacks() async throws {
        struct Change: Error {}
        try await withLogStore { store in
            try? await store.transaction { db in
                try store.append(record("rolled back", key: "k"), in: db)
                try db.savepoint { _ in }
                throw Change()
            }
            try await store.transaction { db in
                try store.append(record("before", key: "k"), in: db)
                try? db.savepoint { db in
                    try store.append(record("in a savepoint", key: "k"), in: db)
                    try db.savepoint { _ in }
                    throw Change()
                }
                try db.savepoint { db in try store.append(record("in a released savepoint", key: "k"), in: db) }
                try store.append(record("after", key: "k"), in: db)
            }
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender)) {
                #expect(await sender.ids(atLeast: 3) == ["before", "in a released savepoint", "after"])
            }
        }
    }

    @Test("records come as they were appended: no key, no value, no headers, any bytes, near the limit of size")
    func contents() async throws {
        try await withLogStore { store in
            let records = [
                EventRecord(eventID: "bare", topic: "t", key: nil, headers: [], value: nil),
                EventRecord(
                    eventID: "any bytes", topic: "t", key: [],
                    headers: [EventHeader("h", [0, 255]), EventHeader("", nil)],
                    value: []),
                EventRecord(
                    eventID: "large", topic: "t", key: [0], headers: [],
                    value: (0..<999_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
                EventRecord(eventID: "last", topic: "ü", key: Array("ключ".utf8), headers: [], value: [1]),
            ]
            try await store.transaction { db in for record in records { try store.append(record, in: db) } }
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender)) {
                let sent = await sender.records(atLeast: 4)
                #expect(sent.allSatisfy { EventStamp($0.headers) != nil })
                #expect(sent.map(\.withoutStamp) == records)
            }
        }
    }

    @Test("a transaction with more events than are held at a time comes whole and in order, in batches")
    func manyInOneTransaction() async throws {
        let count = 40_000
        try await withLogStore { store in
            try await store.transaction { db in
                for number in 0..<count { try store.append(record("\(number)", key: "k\(number % 7)"), in: db) }
            }
            try await store.append("after")
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender) { $0.maximumBatchCount = 7_000 }) {
                let ids = await sender.ids(atLeast: count + 1)
                #expect(ids == (0..<count).map { "\($0)" } + ["after"])
            }
        }
    }

    /// Events of one transaction share a message, so that the batch that comes again begins in the middle of one.
    @Test(
        "a relay that dies between sending and marking sends again under the same stamps, which readers know",
        arguments: [1, 10])
    func diesBeforeMarking(eventsPerTransaction: Int) async throws {
        try await withLogStore { store in
            let sender = RecordingSender()
            for first in stride(from: 0, to: 10, by: eventsPerTransaction) {
                try await store.transaction { db in
                    for number in first..<first + eventsPerTransaction {
                        try store.append(record("\(number)", key: "k\(number % 3)"), in: db)
                    }
                }
            }
            let dying = store.relay(to: DyingSender(sender, with: 2)) { $0.maximumBatchCount = 4 }
            await #expect(throws: CancellationError.self) { try await dying.run() }
            store.close()
            let next = try await store.again()
            for number in 10..<15 { try await next.append("\(number)", key: "k\(number % 3)") }
            try await next.relaying(next.relay(to: sender)) {
                // Counted before it is looked at, so that none that comes meanwhile is missed.
                var ids = sender.ids
                while Set(ids).count < 15 { ids = await sender.ids(atLeast: ids.count + 1) }
            }
            next.close()
            var memory = StampMemory()
            var handled: [String] = []
            for record in sender.records {
                let stamp = try #require(EventStamp(record.headers))
                if memory.insert(stamp) { handled.append(record.eventID.rawValue) }
            }
            #expect(handled == (0..<15).map { "\($0)" })
            // What had been read by then was its batch.
            #expect((16...19).contains(sender.records.count))
        }
    }

    @Test("a slot that is dropped, or made anew, stops the relay and is refused at the start, until somebody decides")
    func slotGone() async throws {
        try await withLogStore { store in
            let sender = RecordingSender()
            try await store.append("sent")
            try await store.relaying(store.relay(to: sender)) { _ = await sender.records(atLeast: 1) }
            try await store.append("lost")
            store.close()
            try await withPool(of: store) { pool in
                for isMadeAnew in [false, true] {
                    if !isMadeAnew { try await dropSlot(pool) }
                    if isMadeAnew {
                        try await pool.transaction { db in
                            _ = try db.query(
                                "select pg_create_logical_replication_slot(slot, 'pgoutput') from tidings_outbox_log")
                        }
                    }
                    #expect(await postgresError { try await store.again() }?.code == .slotLost)
                }
                try await PostgresLog.makeAnew(pool)
            }
            let next = try await store.again()
            try await next.append("goes on")
            let relay = next.relay(to: sender)
            try await next.relaying(relay) { #expect(await sender.ids(atLeast: 2) == ["sent", "goes on"]) }
            // Under a relay's feet.
            let running = Task { try await relay.run() }
            while try await !next.slot().isActive { await Task.yield() }
            try await withPool(of: store) { pool in try await dropSlot(pool) }
            let end = await postgresError { try await running.value }
            #expect(end?.code == .slotLost, "\(String(describing: end))")
            next.close()
        }
    }

    @Test("log that others write is confirmed while the outbox is idle, and a relay goes on from there")
    func heartbeat() async throws {
        try await withLogStore { store in
            let sender = RecordingSender()
            let relay = store.relay(to: sender)
            let before = try await store.slot().confirmed
            try await store.relaying(relay) {
                try await store.transaction { db in
                    try db.execute("create table bulk as select repeat('x', 1000) from generate_series(1, 5000)")
                }
                try await store.pool.waitUntil(
                    """
                    select pg_wal_lsn_diff(confirmed_flush_lsn, '\(before)') > 4000000 from pg_replication_slots
                    join tidings_outbox_log on slot_name = slot
                    """)
            }
            try await store.append("after")
            try await store.relaying(relay) { #expect(await sender.ids(atLeast: 1) == ["after"]) }
        }
    }

    @Test("of two relays one reads the log, and the other goes on when it stops")
    func standby() async throws {
        try await withLogStore { store in
            let second = try await store.again()
            let sender = RecordingSender()
            try await second.relaying(second.relay(to: sender, named: "second")) {
                try await store.append("first")
                _ = await sender.records(atLeast: 1)
                let first = store.relay(to: sender, named: "first")
                try await store.relaying(first) {
                    try await store.append("second")
                    _ = await sender.records(atLeast: 2)
                }
                try await store.append("third")
                #expect(await sender.ids(atLeast: 3) == ["first", "second", "third"])
            }
            second.close()
        }
    }

    @Test("log that piles up while nothing can be sent raises an alarm")
    func retainedLog() async throws {
        try await withLogStore { store in
            let (sender, raised) = (RecordingSender { _ in SendFailure(message: "away", isRetriable: true) }, Latch())
            let relay = store.relay(to: sender) { configuration in
                configuration.leaseDuration = .milliseconds(300)
                configuration.alarms.retainedBytes = 1_000_000
                configuration.alarms.onChange = { if $0.kind == .retainedLog, $0.isRaised { raised.open() } }
            }
            try await store.relaying(relay) {
                try await store.append("stuck")
                try await store.transaction { db in
                    try db.execute("create table bulk as select repeat('x', 1000) from generate_series(1, 2000)")
                }
                await raised.wait()
                // What waits is known as far as the log has been read.
                let status = try await eventually("the event that waits") {
                    let status = try await store.transaction { try store.outboxStatus(in: $0) }
                    return status.pending == 1 ? status : nil
                }
                #expect(status.retainedBytes.map { $0 > 1_000_000 } == true && status.oldestPending != nil)
            }
        }
    }

    @Test("a store with the table is refused on a database whose outbox is the log")
    func mixture() async throws {
        try await withLogStore { store in
            let error = await postgresError { try await PostgresStore(store.pool.configuration, logger: quiet) }
            #expect(error?.code == .invalidConfiguration)
        }
    }
}

/// Another pool on a store's database.
func withPool<T>(of store: PostgresStore, _ body: (PostgresPool) async throws -> T) async throws -> T {
    let pool = PostgresPool(store.pool.configuration, logger: quiet)
    defer { pool.close() }
    return try await body(pool)
}

/// Opens once.
private final class Latch: Sendable {
    private let gate = Gate()

    func open() { gate.open() }
    func wait() async { await gate.wait() }
}

/// Sends, but of one call nobody hears whether it has: its relay dies then.
private final class DyingSender: RecordSender {
    private let sender: RecordingSender
    private let left: Mutex<Int>

    init(_ sender: RecordingSender, with call: Int) {
        self.sender = sender
        left = Mutex(call)
    }

    func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        let outcomes = try await sender.send(records)
        let isLast = left.withLock { left in
            left -= 1
            return left == 0
        }
        if isLast { throw CancellationError() }
        return outcomes
    }
}

extension EventRecord {
    var withoutStamp: EventRecord {
        var record = self
        record.headers.removeAll { $0.name == EventStamp.headerName }
        return record
    }
}
