import Tidings

extension PostgresStore {
    public func lanes(of place: GroupPartition, in db: PostgresTransaction) throws -> [LaneState] {
        try lanes(of: place, locking: false, in: db)
    }

    private func lanes(of place: GroupPartition, locking: Bool, in db: PostgresTransaction) throws -> [LaneState] {
        let offsets = try db.query(
            """
            select lane, lanes, next_offset from tidings_offset
            where consumer_group = $1 and topic = $2 and partition = $3 order by lane \(locking ? "for update" : "")
            """, place.group, place.topic, place.partition)
        var lanes: [LaneState] = []
        for row in offsets { lanes.append(LaneState(Lane(try row[0], of: try row[1]), offset: try row[2])) }
        if lanes.isEmpty { return [] }
        let memories = try db.query(
            """
            select lane, outbox, shard, memory, next_offset from tidings_inbox
            where consumer_group = $1 and topic = $2 and partition = $3
            """, place.group, place.topic, place.partition)
        for row in memories {
            let (lane, next): (Int32, Int64) = (try row[0], try row[4])
            guard let index = lanes.firstIndex(where: { $0.lane.index == lane }),
                let offset = lanes[index].offset, offset >= next
            else { continue }
            let source = StampSource(outbox: try row[1], shard: try row[2])
            lanes[index].memories[source] = StampMemory(bytes: try row[3])
        }
        return lanes
    }

    /// The row stays locked until the commit: a second instance waits here, and then finds another offset.
    public func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64,
        remembering memories: [StampSource: StampMemory],
        in db: PostgresTransaction
    ) throws -> Bool {
        var parameters: [(any PostgresEncodable)?] = [
            place.group, place.topic, place.partition, place.lane.index, place.lane.count, next,
        ]
        let move: String
        if let expected {
            parameters.append(expected)
            move = """
                update tidings_offset set next_offset = $6
                where consumer_group = $1 and topic = $2 and partition = $3 and lane = $4 and lanes = $5
                    and next_offset = $7
                """
        } else {
            move = """
                insert into tidings_offset (consumer_group, topic, partition, lane, lanes, next_offset)
                select $1, $2, $3::integer, $4::integer, $5::integer, $6::bigint
                where not exists (
                    select 1 from tidings_offset
                    where consumer_group = $1 and topic = $2 and partition = $3 and lanes <> $5)
                on conflict do nothing
                """
        }
        if memories.isEmpty { return try db.execute(move, parameters: parameters) == 1 }
        let first = parameters.count
        parameters += [
            PostgresValue.array(memories.keys.map { Optional($0.outbox) }),
            PostgresValue.array(memories.keys.map { Int64($0.shard) }),
            PostgresValue.array(memories.values.map { Optional($0.bytes) }),
        ]
        return try db.execute(
            """
            with moved as (\(move) returning 1)
            insert into tidings_inbox (consumer_group, topic, partition, lane, outbox, shard, memory, next_offset)
            select $1, $2, $3::integer, $4::integer, outbox, shard::integer, memory, $6::bigint
            from unnest($\(first + 1)::text[], $\(first + 2)::bigint[], $\(first + 3)::bytea[])
                as m (outbox, shard, memory), moved
            on conflict (consumer_group, topic, partition, lane, outbox, shard) do update set
                memory = excluded.memory, next_offset = excluded.next_offset
            """, parameters: parameters) > 0
    }

    public func divide(
        _ place: GroupPartition, from expected: [LaneState], into lanes: [LaneState], in db: PostgresTransaction
    ) throws -> Bool {
        guard try self.lanes(of: place, locking: true, in: db) == expected else { return false }
        for table in ["tidings_offset", "tidings_inbox"] {
            try db.execute(
                "delete from \(table) where consumer_group = $1 and topic = $2 and partition = $3", place.group,
                place.topic, place.partition)
        }
        var place = place
        for state in lanes {
            guard let offset = state.offset else { return false }
            place.lane = state.lane
            // Another instance may divide it for the first time just now: every division has a lane 0.
            guard try advance(place, from: nil, to: offset, remembering: state.memories, in: db) else { return false }
        }
        return true
    }

    public func park(_ record: ParkedRecord, in db: PostgresTransaction) throws {
        let place = record.place
        try db.execute(
            """
            insert into tidings_parked
                (consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts, parked_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())
            on conflict (consumer_group, topic, partition, "offset") do update set
                timestamp = excluded.timestamp, key = excluded.key, headers = excluded.headers,
                value = excluded.value, reason = excluded.reason, attempts = excluded.attempts,
                parked_at = excluded.parked_at, is_retrying = false
            """, place.group, place.topic, place.partition, record.offset, record.timestamp?.millisecondsSince1970,
            record.key, HeaderBlob.encode(record.headers), record.value, record.reason.withoutZeros,
            Int32(clamping: record.attempts))
    }

    public func parkedOffsets(
        among keys: Set<[UInt8]>, of place: GroupPartition, in db: PostgresTransaction
    ) throws -> [[UInt8]: Int64] {
        if keys.isEmpty { return [:] }
        let rows = try db.query(
            """
            select key, min("offset") from tidings_parked
            where consumer_group = $1 and topic = $2 and partition = $3
                and sha256(key) = any (array(select sha256(k) from unnest($4) as k)) and key = any($4)
            group by key
            """, place.group, place.topic, place.partition, PostgresValue.array(keys.map { Optional($0) }))
        var offsets: [[UInt8]: Int64] = [:]
        for row in rows { offsets[try row[0]] = try row[1] as Int64 }
        return offsets
    }
}
