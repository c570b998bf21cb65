import GRDB
import Tidings

extension SQLiteStore {
    public func offset(of place: GroupPartition, in db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT next_offset FROM tidings_offset
                    WHERE consumer_group = ? AND topic = ? AND partition = ?
                    """),
            arguments: [place.group, place.topic, place.partition])
    }

    public func advance(_ place: GroupPartition, from expected: Int64?, to next: Int64, in db: Database) throws -> Bool
    {
        if let expected {
            try db.cachedStatement(
                sql: """
                    UPDATE tidings_offset SET next_offset = ?
                    WHERE consumer_group = ? AND topic = ? AND partition = ? AND next_offset = ?
                    """
            ).execute(arguments: [next, place.group, place.topic, place.partition, expected])
        } else {
            try db.cachedStatement(
                sql: """
                    INSERT INTO tidings_offset (consumer_group, topic, partition, next_offset) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """
            ).execute(arguments: [place.group, place.topic, place.partition, next])
        }
        return db.changesCount == 1
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
                    parked_at = excluded.parked_at
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
