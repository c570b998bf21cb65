import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

@Suite("Relaying an outbox on PostgreSQL", .timeLimit(.minutes(2)))
struct RelayTests {
    @Test("whatever connections the server kills, every event leaves, and each key in the order of its commits")
    func killedConnections() async throws {
        let (writers, rounds) = (4, 40)
        try await withStore({ $0.maximumConnections = 6 }) { store in
            try await store.transaction { db in
                try db.execute("create table counter (key text primary key, value bigint not null)")
                try db.execute("insert into counter select 'k' || n, 0 from generate_series(0, 2) n")
            }
            let sender = RecordingSender()
            var configuration = OutboxRelayConfiguration()
            configuration.pollInterval = .milliseconds(50)
            configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(20))
            let relay = OutboxRelay(store: store, producer: sender, configuration: configuration, logger: quiet)
            let relaying = Task { try await relay.run() }
            let killing = Task {
                let killer = PostgresPool(store.pool.configuration, logger: quiet)
                defer { killer.close() }
                for wave in 1...6 {
                    _ = await sender.records(atLeast: wave * 15)
                    try await killer.transaction { db in try db.query(Self.kill) }
                }
            }
            try await withThrowingTaskGroup { group in
                for writer in 0..<writers {
                    group.addTask {
                        for round in 0..<rounds { try await Self.count("k\((writer + round) % 3)", store) }
                    }
                }
                try await group.waitForAll()
            }
            let total: Int = try await persistently(store) {
                try await store.transaction { db in try db.query("select sum(value)::bigint from counter")[0][0] }
            }
            #expect(total >= writers * rounds)
            try await killing.value
            try await store.waitUntilDrained()
            relaying.cancel()
            _ = await relaying.result

            var last: [Substring: Int] = [:]
            var seen: Set<EventID> = []
            for record in sender.records where seen.insert(record.eventID).inserted {
                let parts = record.eventID.rawValue.split(separator: "-")
                let value = try #require(Int(parts[1]))
                #expect(value == last[parts[0], default: 0] + 1, "\(record.eventID) is out of order")
                last[parts[0]] = value
            }
            #expect(last.values.reduce(0, +) == total)
        }
    }

    /// Any half of the other connections of this database.
    private static let kill = """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and pid % 2 = (random() < 0.5)::int
        """

    /// Raises a counter and tells of it; the row's lock makes the value the order of commits.
    private static func count(_ key: String, _ store: PostgresStore) async throws {
        try await persistently(store) {
            try await store.transaction { db in
                let row = try db.query("update counter set value = value + 1 where key = $1 returning value", key)[0]
                let value: Int = try row[0]
                try store.append(record("\(key)-\(value)", key: key), in: db)
            }
        }
    }
}

extension PostgresStore {
    fileprivate func waitUntilDrained() async throws {
        while try await persistently(self, { try await self.transaction { try self.outboxStatus(in: $0) } }).pending > 0
        {
            await Task.yield()
        }
    }
}
