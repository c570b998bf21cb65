import Synchronization
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

    @Test("a server that lacks the last commits gives its numbers again, and no floor hides what gets them")
    func floors() async throws {
        try await withStore { store in
            _ = try await store.transaction { try store.outboxIdentity(in: $0) }
            // As a relay leaves it that has seen numbers which the promoted server never had.
            let shards = try await store.transaction { try store.outboxShards(in: $0).map(\.number) }
            try await store.transaction { try store.assign(shards, to: "relay", in: $0) }
            store.floors.withLock { floors in for shard in shards { floors[shard] = OutboxFloor(1_000_000) } }
            try await store.transaction { db in
                try db.execute("update tidings_outbox_identity set history = 'older'")
                try db.execute("update tidings_outbox_shard set floor = 1000000")
                try store.append(record("late", key: "a"), in: db)
            }
            try await store.transaction { db in
                _ = try store.outboxIdentity(in: db)
                _ = try store.outboxShards(in: db)
            }
            let floor: Int64 = try await store.transaction { db in
                try db.query("select max(floor) from tidings_outbox_shard")[0][0]
            }
            #expect(floor == 0)
            #expect(try await store.claimedIDs() == ["late"])
        }
    }

    @Test("a database or a table that was made anew is known by its number")
    func restored() async throws {
        try await withStore { store in
            func identity() async throws -> String { try await store.transaction { try store.outboxIdentity(in: $0) } }
            let first = try await identity()
            // As versions leave it that look at the server only.
            try await store.transaction { db in try db.execute("update tidings_outbox_identity set oids = null") }
            #expect(try await identity() == first)
            try await store.transaction { db in try db.execute("update tidings_outbox_identity set oids = '1/1'") }
            let second = try await identity()
            #expect(second != first)
            #expect(try await identity() == second)
        }
    }

    @Test("a process that finds the outbox renewed by another forgets its floors, too")
    func floorsOfOthers() async throws {
        try await withStore { store in
            let other = PostgresStore(pool: store.pool)
            let shards = try await store.transaction { db in
                _ = try other.outboxIdentity(in: db)
                return try store.outboxShards(in: db).map(\.number)
            }
            other.floors.withLock { floors in for shard in shards { floors[shard] = OutboxFloor(1_000_000) } }
            try await store.renewOutbox()
            let floor: Int64 = try await store.transaction { db in
                _ = try other.outboxIdentity(in: db)
                _ = try other.outboxShards(in: db)
                return try db.query("select max(floor) from tidings_outbox_shard")[0][0]
            }
            #expect(floor == 0 && other.floors.withLock(\.isEmpty))
        }
    }

    @Test("an outbox whose server was set back as a whole gets another identity by hand")
    func renewed() async throws {
        try await withStore { store in
            let first = try await store.transaction { try store.outboxIdentity(in: $0) }
            try await store.renewOutbox()
            let second = try await store.transaction { try store.outboxIdentity(in: $0) }
            #expect(second != first)
            #expect(try await store.transaction { try store.outboxIdentity(in: $0) } == second)
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
