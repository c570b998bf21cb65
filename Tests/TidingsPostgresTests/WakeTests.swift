import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

@Suite("Waking relays of other processes on PostgreSQL", .timeLimit(.minutes(1)))
struct WakeTests {
    @Test("a relay whose clock stands still is woken by each commit through another store")
    func wakes() async throws {
        try await withStore { near in
            let far = PostgresStore(pool: near.pool)
            try await check(near, far)
        }
    }

    @Test("a relay that lost its connection for listening hears again")
    func hearsAgain() async throws {
        try await withStore { near in
            let far = PostgresStore(pool: near.pool)
            let heard = Task {
                while true {
                    do { try await near.listenForAppends() } catch  where !Task.isCancelled {}
                    try Task.checkCancellation()
                }
            }
            await near.outboxSignal.wait()
            try await near.pool.transaction { db in
                _ = try db.query(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and query = 'listen tidings_outbox'
                    """)
            }
            // That it listens again is told, too.
            await near.outboxSignal.wait()
            try await far.transaction { try far.append(record("e", key: "k"), in: $0) }
            await near.outboxSignal.wait()
            heard.cancel()
            _ = await heard.result
        }
    }

    private func check(_ near: PostgresStore, _ far: PostgresStore) async throws {
        let (clock, sender) = (ManualClock(), RecordingSender())
        let relay = OutboxRelay(store: near, producer: sender, clock: clock, logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await relay.run() }
            for number in 0..<5 {
                // It rests, and the clock that would end this stands still: so do its other two sleepers.
                await clock.sleepers(atLeast: 3)
                try await far.transaction { try far.append(record("e\(number)", key: "k"), in: $0) }
                let sent = await sender.records(atLeast: number + 1)
                #expect(sent.map(\.eventID) == (0...number).map { EventID("e\($0)") })
            }
            tasks.cancelAll()
            try? await tasks.waitForAll()
        }
    }
}
