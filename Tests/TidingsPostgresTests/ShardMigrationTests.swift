import Testing
import Tidings

@testable import TidingsPostgres

@Suite struct ShardMigrationTests {
    @Test("what waited in an outbox of version 2 keeps its order, in one shard")
    func waiting() async throws {
        try await withSchema { pool in
            try await pool.transaction { db in
                for statement in PostgresSchema.statements(upTo: 2) { try db.execute(statement) }
                for number in 0..<10 {
                    try db.execute(
                        """
                        insert into tidings_outbox (event_id, topic, key, headers, appended_at)
                        values ($1, 'order', $2, '', now())
                        """, "\(number)", Array("k\(number % 3)".utf8))
                }
            }
            try await PostgresSchema.migrate(pool)
            let store = PostgresStore(pool: pool)
            try await store.transaction { db in try store.append(record("10", key: "k1"), in: db) }
            #expect(try await store.transaction { try store.outboxShards(in: $0) }.count == 1)
            #expect(try await store.claimedIDs() == (0...10).map { "\($0)" })
        }
    }

    @Test("events of one key fall into one shard, those of many keys into all")
    func spread() async throws {
        try await withStore { store in
            try await store.transaction { db in
                for number in 0..<400 { try store.append(record("\(number)", key: "k\(number % 40)"), in: db) }
            }
            let claimed = try await store.transaction { try store.claimOldest(in: $0) }
            let shards = Dictionary(grouping: claimed, by: \.record.key).mapValues { Set($0.map(\.batch.shard)) }
            #expect(shards.values.allSatisfy { $0.count == 1 })
            #expect(Set(claimed.map(\.batch.shard)) == [0, 1, 2, 3])
        }
    }

    @Test("a server with another history gives the outbox another identity, once")
    func history() async throws {
        try await withStore { store in
            let first = try await store.transaction { try store.outboxIdentity(in: $0) }
            #expect(try await store.transaction { try store.outboxIdentity(in: $0) } == first)
            try await store.transaction { try $0.execute("update tidings_outbox_identity set history = 'older'") }
            let second = try await store.transaction { try store.outboxIdentity(in: $0) }
            #expect(second != first)
            #expect(try await store.transaction { try store.outboxIdentity(in: $0) } == second)
        }
    }
}
