import Synchronization
import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

@Suite("What cannot go from PostgreSQL's log", .timeLimit(.minutes(2)))
struct LogParkingTests {
    @Test("an event that cannot go is parked with what follows of its key, the rest flows, and a retry keeps the order")
    func parking() async throws {
        try await withLogStore { store in
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender) { $0.maximumRecordBytes = 1000 }) {
                try await store.append("a1", key: "a")
                try await store.append("a2 large", key: "a", value: Array(repeating: 0, count: 1001))
                try await store.append("a3", key: "a")
                try await store.append("b1", key: "b")
                _ = await sender.records(atLeast: 2)
                try await store.append("a4", key: "a")
                try await store.append("b2", key: "b")
                _ = await sender.records(atLeast: 3)
                #expect(sender.ids == ["a1", "b1", "b2"])
                try await store.pool.waitUntil("select count(*) = 3 from tidings_outbox_parked")
                // Skipping the first lets the others go; what comes meanwhile stays behind them.
                try await store.transaction { db in
                    let causes = try store.parkedEvents(.causes(after: 0, limit: 10), in: db)
                    #expect(causes.map(\.record.eventID.rawValue) == ["a2 large"])
                    try store.append(record("a5", key: "a"), in: db)
                    try store.skipParked(causes[0].sequence, note: "too large for good", in: db)
                }
                try await store.append("a6", key: "a")
                #expect(await sender.ids(atLeast: 7) == ["a1", "b1", "b2", "a3", "a4", "a5", "a6"])
                try await store.pool.waitUntil("select count(*) = 0 from tidings_outbox")
            }
        }
    }

    @Test("what Kafka refuses for now waits in the table, and what follows of its key behind it, while the rest flows")
    func refusedForNow() async throws {
        try await withLogStore { store in
            let isMissing = Mutex(true)
            let sender = RecordingSender { record in
                guard record.topic == "missing", isMissing.withLock({ $0 }) else { return nil }
                return SendFailure(message: "no such topic", isRetriable: true, mayBeOut: false)
            }
            try await store.relaying(store.relay(to: sender)) {
                try await store.transaction { db in
                    try store.append(record("m1", key: "m", topic: "missing"), in: db)
                    try store.append(record("o1", key: "o"), in: db)
                }
                _ = await sender.records(atLeast: 1)
                try await store.pool.waitUntil("select count(*) = 1 from tidings_outbox")
                for number in 2...5 {
                    try await store.append("o\(number)", key: "o")
                    try await store.transaction { db in
                        try store.append(record("m\(number)", key: "m", topic: "missing"), in: db)
                    }
                }
                _ = await sender.records(atLeast: 5)
                #expect(sender.ids == ["o1", "o2", "o3", "o4", "o5"])
                isMissing.withLock { $0 = false }
                let ids = await sender.ids(atLeast: 10)
                #expect(ids.filter { $0.hasPrefix("m") } == ["m1", "m2", "m3", "m4", "m5"])
                let stamps = sender.records.compactMap { EventStamp($0.headers) }
                #expect(Set(stamps).count == 10)
            }
        }
    }

    @Test("events of which nobody knows whether they are out go again, under their stamps, before anything else")
    func doubt() async throws {
        try await withLogStore { store in
            let attempts = Mutex<[EventStamp]>([])
            let sender = RecordingSender { record in
                let count = attempts.withLock { attempts in
                    attempts += [EventStamp(record.headers)].compactMap(\.self)
                    return attempts.count
                }
                return count <= 3 ? SendFailure(message: "no answer", isRetriable: true) : nil
            }
            for id in ["1", "2", "3"] { try await store.append(id) }
            try await store.relaying(store.relay(to: sender)) {
                #expect(await sender.ids(atLeast: 3) == ["1", "2", "3"])
                try await store.append("4")
                #expect(await sender.ids(atLeast: 4) == ["1", "2", "3", "4"])
            }
            let stamps = attempts.withLock { $0 }
            #expect(stamps.prefix(3) == stamps[3..<6])
        }
    }

    @Test("what waits in the table when the outbox moves to the log goes first")
    func fromTableToLog() async throws {
        try await withLogStore { store in
            // As a store with the table has left it.
            try await store.transaction { db in
                for id in ["t1", "t2"] { try store.putBack(record(id, key: "k"), in: db) }
            }
            try await store.append("l1")
            let sender = RecordingSender()
            try await store.relaying(store.relay(to: sender)) {
                #expect(await sender.ids(atLeast: 3) == ["t1", "t2", "l1"])
            }
        }
    }

    @Test("what has become of batches is written down once, however often it is said")
    func settlingTwice() async throws {
        try await withLogStore { store in
            for id in ["sent", "bad", "doubtful", "later"] { try await store.append(id, key: id) }
            // The first claim begins to read.
            while try await store.transaction({ try store.outboxStatus(in: $0).pending }) < 4 {
                _ = try await store.claim([OutboxBatch(shard: 0, number: 1)], 0)
            }
            let first = try await store.claim([OutboxBatch(shard: 0, number: 2)], 4)
            try #require(first.map(\.record.eventID) == ["sent", "bad", "doubtful", "later"])
            // A row whose number may be that of an event's in its batch.
            try await store.transaction { try store.putBack(record("other", key: "o"), in: $0) }
            var settlement = OutboxSettlement(
                batches: [first[0].batch], sent: [first[0]],
                parked: [OutboxParking(entry: first[1], reason: "bad")], kept: [first[2]])
            for _ in 0..<3 { try await store.settle(settlement) }
            let again = try await store.claim([OutboxBatch(shard: 0, number: 1000)], 4)
            #expect(again.map(\.stamp) == [first[2].stamp])
            settlement = OutboxSettlement(batches: [again[0].batch], sent: again)
            for _ in 0..<3 { try await store.settle(settlement) }
            store.close()
            let next = try await store.again()
            defer { next.close() }
            let sender = RecordingSender()
            try await next.relaying(next.relay(to: sender)) {
                try await next.append("last")
                #expect(Set(await sender.ids(atLeast: 3)) == ["other", "later", "last"])
            }
            #expect(sender.records.count == 3)
            try await next.pool.waitUntil("select count(*) = 1 from tidings_outbox_parked")
        }
    }
}

extension PostgresStore {
    fileprivate func claim(_ batches: [OutboxBatch], _ count: Int) async throws -> [OutboxEntry] {
        try await transaction { db in
            try self.claim(ClaimRequest(batches: batches, maximumCount: count, maximumBytes: .max), in: db)
        }
    }

    fileprivate func settle(_ settlement: OutboxSettlement) async throws {
        try await transaction { try self.settle(settlement, in: $0) }
    }
}
