import GRDB
import Tidings

extension SQLiteStore {
    public func lanes(of place: GroupPartition, in db: Database) throws -> [LaneState] {
        let offsets = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT lane, lanes, next_offset FROM tidings_offset
                    WHERE consumer_group = ? AND topic = ? AND partition = ? ORDER BY lane
                    """),
            arguments: [place.group, place.topic, place.partition])
        var lanes = offsets.map { LaneState(Lane($0[0], of: $0[1]), offset: $0[2]) }
        let memories = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT lane, outbox, shard, memory, next_offset FROM tidings_inbox
                    WHERE consumer_group = ? AND topic = ? AND partition = ?
                    """),
            arguments: [place.group, place.topic, place.partition])
        while let row = try memories.next() {
            guard let index = lanes.firstIndex(where: { $0.lane.index == row[0] }),
                let offset = lanes[index].offset, offset >= row[4]
            else { continue }
            let source = StampSource(outbox: row[1], shard: row[2])
            lanes[index].memories[source] = try row.bytes(3).flatMap(StampMemory.init(bytes:))
        }
        return lanes
    }

    public func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64,
        remembering memories: [StampSource: StampMemory],
        in db: Database
    ) throws -> Bool {
        if let expected {
            try db.cachedStatement(
                sql: """
                    UPDATE tidings_offset SET next_offset = ?
                    WHERE consumer_group = ? AND topic = ? AND partition = ? AND lane = ? AND lanes = ?
                        AND next_offset = ?
                    """
            ).execute(arguments: [
                next, place.group, place.topic, place.partition, place.lane.index, place.lane.count, expected,
            ])
            if db.changesCount == 0 { return false }
        } else if try !insert(place, offset: next, in: db) {
            return false
        }
        try remember(memories, next: next, at: place, in: db)
        return true
    }

    public func divide(
        _ place: GroupPartition, from expected: [LaneState], into lanes: [LaneState], in db: Database
    ) throws -> Bool {
        guard try self.lanes(of: place, in: db) == expected else { return false }
        for table in ["tidings_offset", "tidings_inbox"] {
            try db.cachedStatement(
                sql: "DELETE FROM \(table) WHERE consumer_group = ? AND topic = ? AND partition = ?"
            ).execute(arguments: [place.group, place.topic, place.partition])
        }
        var place = place
        for state in lanes {
            guard let offset = state.offset else { return false }
            place.lane = state.lane
            guard try insert(place, offset: offset, in: db) else { return false }
            try remember(state.memories, next: offset, at: place, in: db)
        }
        return true
    }

    private func insert(_ place: GroupPartition, offset: Int64, in db: Database) throws -> Bool {
        try db.cachedStatement(
            sql: """
                INSERT INTO tidings_offset (consumer_group, topic, partition, lane, lanes, next_offset)
                SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (
                    SELECT 1 FROM tidings_offset
                    WHERE consumer_group = ?1 AND topic = ?2 AND partition = ?3 AND lanes <> ?5)
                ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [
            place.group, place.topic, place.partition, place.lane.index, place.lane.count, offset,
        ])
        return db.changesCount == 1
    }

    private func remember(
        _ memories: [StampSource: StampMemory], next: Int64, at place: GroupPartition, in db: Database
    ) throws {
        if memories.isEmpty { return }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO tidings_inbox
                    (consumer_group, topic, partition, lane, outbox, shard, memory, next_offset)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (consumer_group, topic, partition, lane, outbox, shard) DO UPDATE SET
                    memory = excluded.memory, next_offset = excluded.next_offset
                """)
        for (source, memory) in memories {
            try statement.execute(arguments: [
                place.group, place.topic, place.partition, place.lane.index, source.outbox, source.shard,
                memory.bytes.blob, next,
            ])
        }
    }

    public func park(_ record: ParkedRecord, in db: Database) throws {
        let place = record.place
        try db.cachedStatement(
            sql: """
                INSERT INTO tidings_parked
                    (consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts,
                    parked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (consumer_group, topic, partition, "offset") DO UPDATE SET
                    timestamp = excluded.timestamp, key = excluded.key, headers = excluded.headers,
                    value = excluded.value, reason = excluded.reason, attempts = excluded.attempts,
                    parked_at = excluded.parked_at, is_retrying = 0
                """
        ).execute(arguments: [
            place.group, place.topic, place.partition, record.offset, record.timestamp?.millisecondsSince1970,
            record.key.blob, HeaderBlob.encode(record.headers).blob, record.value.blob, record.reason, record.attempts,
            Timestamp.now().millisecondsSince1970,
        ])
    }

    public func parkedOffsets(
        among keys: Set<[UInt8]>, of place: GroupPartition, in db: Database
    ) throws -> [[UInt8]: Int64] {
        let anything = try db.exists(
            "SELECT EXISTS (SELECT 1 FROM tidings_parked WHERE consumer_group = ? AND topic = ? AND partition = ?)",
            [place.group, place.topic, place.partition])
        guard anything else { return [:] }
        let first = try db.cachedStatement(
            sql: """
                SELECT min("offset") FROM tidings_parked
                WHERE consumer_group = ? AND topic = ? AND partition = ? AND key = ?
                """)
        var offsets: [[UInt8]: Int64] = [:]
        for key in keys {
            offsets[key] = try Int64.fetchOne(
                first, arguments: [place.group, place.topic, place.partition, key.blob])
        }
        return offsets
    }
}
