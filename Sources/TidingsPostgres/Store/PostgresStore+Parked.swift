import Tidings

extension PostgresStore {
    public func parkedEvents(_ selection: ParkedSelection, in db: PostgresTransaction) throws -> [ParkedEvent] {
        let (condition, parameters): (String, [(any PostgresEncodable)?]) =
            switch selection {
            case .page(let after, let limit): ("sequence > $1 order by sequence limit $2", [after, max(0, limit)])
            case .causes(let after, let limit):
                ("sequence > $1 and not is_behind order by sequence limit $2", [after, max(0, limit)])
            case .event(let sequence): ("sequence = $1", [sequence])
            case .key(let key, let topic):
                ("topic = $1 and sha256(key) = sha256($2) and key = $2 order by sequence", [topic, key])
            }
        let rows = try db.query(
            """
            select \(Self.recordColumns), sequence, appended_at, parked_at, reason, is_behind from tidings_outbox_parked
            where \(condition)
            """, parameters: parameters)
        return try rows.map { row in
            ParkedEvent(
                sequence: try row[5], record: try Self.record(row), appendedAt: try row[6], parkedAt: try row[7],
                reason: try row[8], isBehind: try row[9])
        }
    }

    /// - Throws: ``/Tidings/TidingsError/Code/invalidConfiguration`` when the transaction's isolation is above *read
    ///   committed*: it would not see what was appended while it waited for the key's lock.
    public func lockParking(in db: PostgresTransaction) throws {
        guard db.isolation == .readCommitted else {
            throw TidingsError(
                .invalidConfiguration, "parked events are retried and skipped in a transaction with read committed")
        }
        // A relay that parks more waits here, and finds then that its events have other numbers.
        try db.execute("lock table tidings_outbox_parked in share row exclusive mode")
    }

    public func removeParked(_ sequences: [Int64], in db: PostgresTransaction) throws {
        try db.execute("delete from tidings_outbox_parked where sequence = any($1)", PostgresValue.array(sequences))
    }

    public func takeWaiting(like record: EventRecord, in db: PostgresTransaction) throws -> [EventRecord] {
        guard let key = record.key, let stripe = OutboxAppend.stripe(of: record) else { return [] }
        try db.flush()
        // In a statement of its own, so that the next one sees what was committed while this one waited.
        try db.execute("select pg_advisory_xact_lock(\(OutboxAppend.classID), $1)", Int32(stripe))
        return try db.query(
            """
            with taken as (
                delete from tidings_outbox o using tidings_outbox_identity
                where shard = $1 % shards and topic = $2 and key = $3 returning o.*
            )
            select \(Self.recordColumns) from taken order by sequence
            """, Int32(stripe), record.topic, key
        ).map(Self.record)
    }

    public func keepSkipped(_ event: ParkedEvent, note: String, in db: PostgresTransaction) throws {
        let record = event.record
        try db.execute(
            """
            insert into tidings_outbox_skipped (sequence, event_id, topic, key, headers, value, appended_at, parked_at,
                reason, skipped_at, note)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), $10)
            """, event.sequence, record.eventID.rawValue, record.topic, record.key, record.headerBytes,
            record.value, event.appendedAt, event.parkedAt, event.reason, note.withoutZeros)
    }

    public func skippedEvents(after sequence: Int64, limit: Int, in db: PostgresTransaction) throws -> [SkippedEvent] {
        let rows = try db.query(
            """
            select \(Self.recordColumns), sequence, appended_at, parked_at, reason, skipped_at, note
            from tidings_outbox_skipped where sequence > $1 order by sequence limit $2
            """, sequence, max(0, limit))
        return try rows.map { row in
            let event = ParkedEvent(
                sequence: try row[5], record: try Self.record(row), appendedAt: try row[6], parkedAt: try row[7],
                reason: try row[8], isBehind: false)
            return SkippedEvent(event: event, skippedAt: try row[9], note: try row[10])
        }
    }

    public func removeSent(before time: Timestamp, limit: Int, in db: PostgresTransaction) throws -> Int {
        try db.execute(
            """
            delete from tidings_outbox_sent where ctid = any (array(
                select ctid from tidings_outbox_sent where sent_at < $1 order by sent_at limit $2))
            """, time, max(0, limit))
    }

    /// What ``record(_:)`` reads.
    static let recordColumns = "event_id, topic, key, headers, value"

    /// Reads the first columns of a row, which are ``recordColumns``.
    static func record(_ row: PostgresRow) throws -> EventRecord {
        try EventRecord(
            eventID: EventID(rawValue: row[0]), topic: row[1], key: row[2], headerBytes: row[3], value: row[4])
    }
}
