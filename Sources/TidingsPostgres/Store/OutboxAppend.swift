import Tidings

/// How events get into the outbox so that those of one key stand there in the order in which they are committed.
///
/// Numbers of a sequence are drawn before the commit, so without more a later number can become visible before an
/// earlier one. Therefore the transaction first takes a lock for each key, which it holds until it has committed, and
/// only then draws the numbers: whoever comes next with the same key draws a later number, and later.
///
/// - The locks are advisory ones of the transaction, `(classID, stripe)`, where the stripe is a hash of topic and key.
///   With a limited number of stripes a transaction with any number of events leaves room in the server's lock table.
///   Two keys that share a stripe wait for each other's commit, nothing worse.
/// - They are taken in ascending order, so two transactions cannot wait for each other; and as appends are written right
///   before the commit, nothing else is waited for while they are held. (Appends that were written earlier because of
///   a savepoint are the exception: there the server breaks a deadlock, and the transaction runs again.)
/// - Events without a key have no order and take no lock.
enum OutboxAppend {
    /// “tidi”, which tells our advisory locks from others in `pg_locks`.
    static let classID: Int64 = 0x7469_6469
    static let stripes: UInt64 = 1024

    /// The statements that write the records: the locks first, then the rows.
    static func requests(for records: [EventRecord]) -> [PostgresRequest] {
        if records.isEmpty { return [] }
        if records.count == 1, let stripe = stripe(of: records[0]) { return [insert(records[0], locking: stripe)] }
        let stripes = Set(records.compactMap(stripe)).sorted()
        return (stripes.isEmpty ? [] : [lock(stripes)]) + [insert(records)]
    }

    /// The same in every process and every version: FNV-1a over topic, a zero and key, with its bits mixed at the end.
    static func stripe(of record: EventRecord) -> Int64? {
        guard let key = record.key else { return nil }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        for byte in record.topic.utf8 { mix(byte) }
        mix(0)
        for byte in key { mix(byte) }
        hash ^= hash >> 32
        hash = hash &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        return Int64(hash % stripes)
    }

    private static func lock(_ stripes: [Int64]) -> PostgresRequest {
        PostgresRequest(
            sql: "select pg_advisory_xact_lock(\(classID), stripe::int) from unnest($1) as stripe",
            parameters: [.array(stripes)])
    }

    /// The usual case in one statement: the row, and with it its number, comes from the row that the lock gives.
    private static func insert(_ record: EventRecord, locking stripe: Int64) -> PostgresRequest {
        PostgresRequest(
            sql: """
                with locked as materialized (select pg_advisory_xact_lock(\(classID), $6))
                insert into tidings_outbox (event_id, topic, key, headers, value, appended_at)
                select $1, $2, $3, $4, $5, clock_timestamp() from locked
                """,
            parameters: [
                record.eventID.rawValue.postgresValue, record.topic.postgresValue, .bytea(record.key),
                .bytea(HeaderBlob.encode(record.headers)), .bytea(record.value), Int32(stripe).postgresValue,
            ])
    }

    private static func insert(_ records: [EventRecord]) -> PostgresRequest {
        PostgresRequest(
            sql: """
                insert into tidings_outbox (event_id, topic, key, headers, value, appended_at)
                select event_id, topic, key, headers, value, clock_timestamp()
                from unnest($1, $2, $3, $4, $5) with ordinality as r (event_id, topic, key, headers, value, place)
                order by place
                """,
            parameters: [
                .array(records.map(\.eventID.rawValue)), .array(records.map(\.topic)), .array(records.map(\.key)),
                .array(records.map { HeaderBlob.encode($0.headers) }), .array(records.map(\.value)),
            ])
    }
}
