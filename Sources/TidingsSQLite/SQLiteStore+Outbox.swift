import GRDB
import Synchronization
import Tidings

extension SQLiteStore {
    public func append(_ record: EventRecord, in db: Database) throws {
        guard db.isInsideTransaction else {
            throw TidingsError(
                .notInTransaction, "event \(record.eventID) was appended outside a transaction", record: record)
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO tidings_outbox (event_id, topic, key, headers, value, appended_at) VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            record.eventID.rawValue, record.topic, record.key.blob, HeaderBlob.encode(record.headers).blob,
            record.value.blob, Timestamp.now().millisecondsSince1970,
        ])
        raiseSignalAfterCommit(of: db)
    }

    /// Once a transaction, however many events it appends.
    private func raiseSignalAfterCommit(of db: Database) {
        guard !signalIsArmed.exchange(true, ordering: .relaxed) else { return }
        db.afterNextTransaction(
            onCommit: { [self] _ in
                signalIsArmed.store(false, ordering: .relaxed)
                outboxSignal.raise()
            },
            onRollback: { [self] _ in signalIsArmed.store(false, ordering: .relaxed) })
    }

    public func claim(_ request: ClaimRequest, in db: Database) throws -> [OutboxEntry] {
        let nothingParked = try !db.exists("SELECT EXISTS (SELECT 1 FROM tidings_outbox_parked)")
        let statement = try db.cachedStatement(
            sql: """
                SELECT sequence, event_id, topic, key, headers, value, appended_at FROM tidings_outbox
                ORDER BY sequence LIMIT ?
                """)
        let rows = try Row.fetchCursor(statement, arguments: [request.maximumCount])
        var entries: [OutboxEntry] = []
        entries.reserveCapacity(min(request.maximumCount, 1024))
        var bytes = 0
        while let row = try rows.next() {
            let record = EventRecord(
                eventID: EventID(rawValue: row[1]), topic: row[2], key: try row.bytes(3),
                headers: try HeaderBlob.decode(row.bytes(4) ?? []), value: try row.bytes(5))
            bytes += record.size
            if bytes > request.maximumBytes, !entries.isEmpty { break }
            let isBehindParked = try !nothingParked && isParked(record, in: db)
            entries.append(
                OutboxEntry(
                    sequence: row[0], record: record, appendedAt: Timestamp(millisecondsSince1970: row[6]),
                    isBehindParked: isBehindParked))
        }
        return entries
    }

    private func isParked(_ record: EventRecord, in db: Database) throws -> Bool {
        guard let key = record.key else { return false }
        return try db.exists(
            "SELECT EXISTS (SELECT 1 FROM tidings_outbox_parked WHERE topic = ? AND key = ?)",
            [record.topic, key.blob])
    }

    public func remove(_ sequences: [Int64], in db: Database) throws {
        guard let first = sequences.first, let last = sequences.last else { return }
        // One statement for the usual case: everything that was claimed is sent, and numbers have no gaps.
        if last - first == Int64(sequences.count - 1) {
            try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence BETWEEN ? AND ?")
                .execute(arguments: [first, last])
            return
        }
        let statement = try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence = ?")
        for sequence in sequences { try statement.execute(arguments: [sequence]) }
    }

    public func park(_ entries: [OutboxParking], in db: Database) throws {
        let copy = try db.cachedStatement(
            sql: """
                INSERT INTO tidings_outbox_parked
                    (sequence, event_id, topic, key, headers, value, appended_at, parked_at, reason)
                SELECT sequence, event_id, topic, key, headers, value, appended_at, ?, ?
                FROM tidings_outbox WHERE sequence = ?
                """)
        let delete = try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence = ?")
        let now = Timestamp.now().millisecondsSince1970
        for entry in entries {
            try copy.execute(arguments: [now, entry.reason, entry.sequence])
            try delete.execute(arguments: [entry.sequence])
        }
    }

    public func outboxStatus(in db: Database) throws -> OutboxStatus {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT (SELECT count(*) FROM tidings_outbox), (SELECT count(*) FROM tidings_outbox_parked),
                        (SELECT appended_at FROM tidings_outbox ORDER BY sequence LIMIT 1)
                    """))
        let oldest: Int64? = row?[2]
        return OutboxStatus(
            pending: row?[0] ?? 0, parked: row?[1] ?? 0,
            oldestPending: oldest.map(Timestamp.init(millisecondsSince1970:)))
    }
}
