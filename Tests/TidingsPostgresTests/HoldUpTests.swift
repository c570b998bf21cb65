import Testing
import Tidings
import TidingsPostgres

@Suite("What holds an outbox up on PostgreSQL", .timeLimit(.minutes(2)))
struct HoldUpTests {
    @Test("a transaction that others wait for in order to append is told, with its age and process")
    func blocksAppends() async throws {
        try await withStore { store in
            let (appended, goOn) = (Gate(), Gate())
            let first = Task {
                try await store.transaction { db in
                    try store.append(record("first", key: "a"), in: db)
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                    return db.processID
                }
            }
            await appended.wait()
            let second = Task {
                try await store.transaction { db in try store.append(record("second", key: "a"), in: db) }
            }
            try await store.waitForLockWaiters(1)
            let holdUps = try await store.transaction { try store.holdUps(in: $0) }.filter { $0.waiting > 0 }
            goOn.open()
            let process = try await first.value
            try await second.value
            #expect(holdUps.map(\.waiting) == [1])
            #expect(holdUps.first?.description.contains("process \(process),") == true)
            #expect(holdUps.first.map { $0.age >= .zero && $0.age < .seconds(60) } == true)
        }
    }

    @Test("an old snapshot that keeps the server from cleaning up is told when it is a second old")
    func oldSnapshot() async throws {
        try await withStore({ $0.isolation = .repeatableRead }) { store in
            let (began, goOn) = (Gate(), Gate())
            let old = Task {
                try await store.transaction { db in
                    _ = try db.query("select 1")
                    began.open()
                    goOn.waitBlocking()
                }
            }
            await began.wait()
            var holdUps: [OutboxHoldUp] = []
            while holdUps.isEmpty {
                holdUps = try await store.transaction { db in
                    try store.holdUps(in: db).filter { $0.description.contains("application “tidings”") }
                }
            }
            goOn.open()
            try await old.value
            #expect(holdUps[0].age >= .seconds(1) && holdUps[0].waiting == 0)
        }
    }

    @Test("parked events are retried with read committed only")
    func isolation() async throws {
        try await withStore({ $0.isolation = .serializable }) { store in
            let error = await #expect(throws: TidingsError.self) {
                try await store.transaction { try store.retryParked(1, in: $0) }
            }
            #expect(error?.code == .invalidConfiguration)
        }
    }

    @Test("whoever appends to a key while it is retried lines up behind what was parked")
    func retryBesideAppend() async throws {
        try await withStore { store in
            try await store.transaction { db in try store.append(record("bad", key: "a"), in: db) }
            let parked = try await store.transaction { db in
                let entry = try store.claimOldest(in: db)[0]
                try store.settle(
                    OutboxSettlement(batches: [entry.batch], parked: [OutboxParking(entry: entry, reason: "no")]),
                    in: db)
                return entry.sequence
            }
            let (appended, goOn) = (Gate(), Gate())
            let first = Task {
                try await store.transaction { db in
                    try store.append(record("first", key: "a"), in: db)
                    try db.savepoint { _ in }
                    appended.open()
                    goOn.waitBlocking()
                }
            }
            await appended.wait()
            let retry = Task { try await store.transaction { try store.retryParked(parked, in: $0) } }
            try await store.waitForLockWaiters(1)
            let second = Task {
                try await store.transaction { db in try store.append(record("second", key: "a"), in: db) }
            }
            try await store.waitForLockWaiters(2)
            goOn.open()
            try await first.value
            #expect(try await retry.value == 1)
            try await second.value
            #expect(try await store.claimedIDs() == ["bad", "first", "second"])
        }
    }
}
