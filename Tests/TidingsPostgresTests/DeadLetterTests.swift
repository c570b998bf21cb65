import Testing
import Tidings
import TidingsPostgres

@Suite("Dead letters on PostgreSQL", .timeLimit(.minutes(1)))
struct DeadLetterTests {
    private let place = GroupPartition(group: "g", topic: "t", partition: 0)

    private func record(_ offset: Int64, attempts: Int) -> ParkedRecord {
        ParkedRecord(
            place: place, offset: offset, timestamp: nil, key: [1], headers: [], value: nil, reason: "poison",
            attempts: attempts)
    }

    @Test("what is parked behind a record while this one is skipped is tried all the same", arguments: [true, false])
    func parkedMeanwhile(_ isSkip: Bool) async throws {
        try await withStore { store in
            let (hasParked, isWaiting) = (Gate(), Gate())
            try await store.transaction { db in
                _ = try store.advance(place, from: nil, to: 1, in: db)
                try store.park(record(0, attempts: 1), in: db)
            }
            let number = try await store.transaction {
                try store.deadLetters(.page(after: 0, limit: 1), in: $0)[0].number
            }
            async let handling: Void = store.transaction { db in
                _ = try store.advance(place, from: 1, to: 2, in: db)
                #expect(try store.parkedOffsets(among: [[1]], of: place, in: db) == [[1]: 0])
                try store.park(record(1, attempts: 0), in: db)
                hasParked.open()
                isWaiting.waitBlocking()
            }
            async let deciding = { @Sendable in
                await hasParked.wait()
                return try await store.transaction { db in
                    isSkip
                        ? try store.skipDeadLetter(number, note: "", in: db) : try store.retryDeadLetter(number, in: db)
                }
            }()
            try await store.pool.waitUntil(
                """
                select exists (
                    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')
                """)
            isWaiting.open()
            try await handling
            #expect(try await deciding == 2)
            let letters = try await store.transaction { try store.deadLetters(.retrying(of: place, limit: 9), in: $0) }
            #expect(letters.map(\.record.offset) == [isSkip ? 1 : 0])
        }
    }
}
