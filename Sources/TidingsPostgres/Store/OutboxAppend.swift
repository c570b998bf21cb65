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
/// - The transaction has its id before it draws a number, so that a relay can tell when all numbers below one are
///   decided (``OutboxFloor``).
enum OutboxAppend {
    /// “tidi”, which tells our advisory locks from others in `pg_locks`.
    static let classID: Int64 = 0x7469_6469

    /// The statements that write the records: the locks first, then the rows.
    static func requests(for records: [EventRecord]) -> [PostgresRequest] {
        if records.isEmpty { return [] }
        if records.count == 1, let stripe = stripe(of: records[0]) { return [insert(records[0], locking: stripe)] }
        let stripes = Set(records.compactMap(stripe)).sorted()
        return (stripes.isEmpty ? [] : [lock(stripes)]) + [insert(records)]
    }

    /// The lock of a record's key: its slot, which decides its shard, too.
    static func stripe(of record: EventRecord) -> Int64? {
        record.key == nil ? nil : Int64(OutboxShard.slot(of: record))
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
                with locked as materialized (select pg_advisory_xact_lock(\(classID), $6), pg_current_xact_id())
                insert into tidings_outbox (shard, event_id, topic, key, headers, value, appended_at)
                select $6 % shards, $1, $2, $3, $4, $5, clock_timestamp() from locked, tidings_outbox_identity
                """,
            parameters: [
                record.eventID.rawValue.postgresValue, record.topic.postgresValue, .bytea(record.key),
                .bytea(record.headerBytes), .bytea(record.value), Int32(stripe).postgresValue,
            ])
    }

    private static func insert(_ records: [EventRecord]) -> PostgresRequest {
        PostgresRequest(
            sql: """
                with begun as materialized (select pg_current_xact_id())
                insert into tidings_outbox (shard, event_id, topic, key, headers, value, appended_at)
                select slot % shards, event_id, topic, key, headers, value, clock_timestamp()
                from begun, tidings_outbox_identity, unnest($1, $2, $3, $4, $5, $6)
                    with ordinality as r (event_id, topic, key, headers, value, slot, place)
                order by place
                """,
            parameters: [
                .array(records.map(\.eventID.rawValue)), .array(records.map(\.topic)), .array(records.map(\.key)),
                .array(records.map(\.headerBytes)), .array(records.map(\.value)),
                .array(records.map { Int64(OutboxShard.slot(of: $0)) }),
            ])
    }
}
