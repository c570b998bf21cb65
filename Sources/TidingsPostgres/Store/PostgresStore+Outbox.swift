import Tidings

extension PostgresStore {
    /// Appends a record to the outbox; it is written with the transaction's commit, in the same round trip.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/notInTransaction`` when the transaction is over.
    public func append(_ record: EventRecord, in db: PostgresTransaction) throws {
        let isFirst = db.appends.isEmpty
        try db.append(record)
        let signal = outboxSignal
        if isFirst { try db.afterCommit { signal.raise() } }
    }

    public func claim(_ request: ClaimRequest, in db: PostgresTransaction) throws -> [OutboxEntry] {
        try db.flush()
        // From the very first row each time: a number may appear after a later one of another key. The database keeps
        // to the limit roughly, so that it sends no more than is wanted; the loop keeps to it exactly.
        let rows = try db.query(
            """
            select sequence, event_id, topic, key, headers, value, appended_at,
                key is not null and exists (
                    select from tidings_outbox_parked p
                    where p.topic = o.topic and sha256(p.key) = sha256(o.key) and p.key = o.key)
            from (
                select *, row_number() over (order by sequence) as place,
                    sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)::bigint)
                        over (order by sequence) as size
                from (select * from tidings_outbox order by sequence limit $1) oldest
            ) o
            where place = 1 or size <= $2
            order by sequence
            """, request.maximumCount, request.maximumBytes)
        var entries: [OutboxEntry] = []
        entries.reserveCapacity(rows.count)
        var bytes = 0
        for row in rows {
            let record = EventRecord(
                eventID: EventID(rawValue: try row[1]), topic: try row[2], key: try row[3],
                headers: try HeaderBlob.decode(try row[4]), value: try row[5])
            bytes += record.size
            if bytes > request.maximumBytes, !entries.isEmpty { break }
            entries.append(
                OutboxEntry(
                    sequence: try row[0], record: record, appendedAt: try row[6], isBehindParked: try row[7]))
        }
        return entries
    }

    public func remove(_ sequences: [Int64], in db: PostgresTransaction) throws {
        if sequences.isEmpty { return }
        // Never a range: a number inside it may belong to a transaction that has not committed yet.
        try db.execute("delete from tidings_outbox where sequence = any($1)", PostgresValue.array(sequences))
    }

    public func park(_ entries: [OutboxParking], in db: PostgresTransaction) throws {
        if entries.isEmpty { return }
        try db.execute(
            """
            with parked as (
                delete from tidings_outbox o using unnest($1, $2) as p (sequence, reason)
                where o.sequence = p.sequence returning o.*, p.reason
            )
            insert into tidings_outbox_parked
                (sequence, event_id, topic, key, headers, value, appended_at, parked_at, reason)
            select sequence, event_id, topic, key, headers, value, appended_at, clock_timestamp(), reason from parked
            """, PostgresValue.array(entries.map(\.sequence)),
            PostgresValue.array(entries.map { Optional($0.reason.withoutZeros) }))
    }

    public func outboxStatus(in db: PostgresTransaction) throws -> OutboxStatus {
        try db.flush()
        let row = try db.query(
            """
            select (select count(*) from tidings_outbox), (select count(*) from tidings_outbox_parked),
                (select appended_at from tidings_outbox order by sequence limit 1)
            """)[0]
        return OutboxStatus(pending: try row[0], parked: try row[1], oldestPending: try row[2])
    }
}

extension String {
    /// Without the one character that PostgreSQL's text cannot hold.
    var withoutZeros: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}
