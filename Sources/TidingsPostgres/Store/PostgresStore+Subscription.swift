import Tidings

extension PostgresStore {
    public func offset(of place: GroupPartition, in db: PostgresTransaction) throws -> Int64? {
        try db.query(
            "select next_offset from tidings_offset where consumer_group = $1 and topic = $2 and partition = $3",
            place.group, place.topic, place.partition
        ).first.map { try $0[0] }
    }

    public func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64, in db: PostgresTransaction
    ) throws -> Bool {
        // The row stays locked until the commit: a second instance waits here, and then finds another offset.
        if let expected {
            return try db.execute(
                """
                update tidings_offset set next_offset = $4
                where consumer_group = $1 and topic = $2 and partition = $3 and next_offset = $5
                """, place.group, place.topic, place.partition, next, expected) == 1
        }
        return try db.execute(
            """
            insert into tidings_offset (consumer_group, topic, partition, next_offset) values ($1, $2, $3, $4)
            on conflict do nothing
            """, place.group, place.topic, place.partition, next) == 1
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
                parked_at = excluded.parked_at
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
