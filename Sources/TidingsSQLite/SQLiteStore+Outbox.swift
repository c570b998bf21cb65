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
                INSERT INTO tidings_outbox (sequence, event_id, topic, key, headers, value, appended_at)
                VALUES (1 + max((SELECT last FROM tidings_outbox_mark),
                    ifnull((SELECT max(sequence) FROM tidings_outbox), 0)), ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            record.eventID.rawValue, record.topic, record.key.blob, record.headerBytes.blob,
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
                if !outboxSignal.reachesEveryRelay { outboxFile.announce() }
            },
            onRollback: { [self] _ in signalIsArmed.store(false, ordering: .relaxed) })
    }

    /// Hears of the commits of other processes through a file beside the database (`<database>-outbox`), on Linux.
    public func listenForAppends() async throws {
        guard let announcements = outboxFile.announcements() else { return await Self.untilCancelled() }
        outboxSignal.raise()
        for await _ in announcements { outboxSignal.raise() }
    }

    public func claim(_ request: ClaimRequest, in db: Database) throws -> [OutboxEntry] {
        guard let batch = request.batches.first(where: { $0.shard == 0 }) else { return [] }
        let source = StampSource(outbox: try outboxIdentity(in: db), shard: 0)
        let statement = try db.cachedStatement(
            sql: "\(SQLiteStore.columns) WHERE sequence > ? ORDER BY sequence LIMIT ?")
        var reader = try EntryReader(db)
        // Writers come one after the other: nothing can have appeared before what was claimed.
        let underWay = request.underWay.last?.sequence ?? 0
        let rows = try Row.fetchCursor(statement, arguments: [underWay, request.maximumCount])
        var entries: [OutboxEntry] = []
        entries.reserveCapacity(min(request.maximumCount, 1024))
        var bytes = 0
        while let row = try rows.next() {
            let stamp = EventStamp(source: source, batch: batch.number, index: Int32(entries.count))
            let entry = try reader.entry(row, stamp, in: db)
            bytes += entry.record.size
            if bytes > request.maximumBytes, !entries.isEmpty { break }
            entries.append(entry)
        }
        try open(batch, entries, in: db)
        return entries
    }

    public func openBatches(of shards: [Int32], in db: Database) throws -> [OutboxEntry] {
        guard shards.contains(0) else { return [] }
        let statement = try db.cachedStatement(
            sql: "SELECT batch, outbox, entries FROM tidings_outbox_batch WHERE shard = 0 ORDER BY batch")
        for row in try Row.fetchAll(statement) {
            let number: Int64 = row[0]
            let source = StampSource(outbox: row[1], shard: 0)
            let one = try db.cachedStatement(sql: "\(SQLiteStore.columns) WHERE sequence = ?")
            var reader = try EntryReader(db)
            var entries: [OutboxEntry] = []
            for place in try BatchEntries.decode(row.bytes(2) ?? []) {
                let stamp = EventStamp(source: source, batch: number, index: place.index)
                guard let row = try Row.fetchOne(one, arguments: [place.sequence]) else { continue }
                entries.append(try reader.entry(row, stamp, in: db))
            }
            if !entries.isEmpty { return entries }
            // Somebody has taken all that was in it.
            try close(OutboxBatch(shard: 0, number: number), in: db)
        }
        return []
    }

    public func settle(_ settlement: OutboxSettlement, in db: Database) throws {
        let sent = settlement.sent.map(\.sequence)
        if settlement.keepsSent { try keep(sent, in: db) }
        try remove(sent, in: db)
        try park(settlement.parked, in: db)
        for batch in settlement.batches {
            let kept = settlement.kept.filter { $0.batch == batch }
            try close(batch, in: db)
            try open(batch, kept, in: db)
        }
    }

    private func open(_ batch: OutboxBatch, _ entries: [OutboxEntry], in db: Database) throws {
        guard let first = entries.first else { return }
        try db.cachedStatement(
            sql: "INSERT INTO tidings_outbox_batch (shard, batch, outbox, entries) VALUES (?, ?, ?, ?)"
        ).execute(arguments: [
            batch.shard, batch.number, first.stamp.source.outbox,
            BatchEntries.encode(entries.lazy.map { ($0.stamp.index, $0.sequence) }).blob,
        ])
    }

    private func close(_ batch: OutboxBatch, in db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM tidings_outbox_batch WHERE shard = ? AND batch = ?")
            .execute(arguments: [batch.shard, batch.number])
    }

    private static let columns =
        "SELECT \(recordColumns), sequence, appended_at FROM tidings_outbox"

    /// Reads rows of ``columns``.
    private struct EntryReader {
        let isAnythingParked: Bool

        init(_ db: Database) throws {
            isAnythingParked = try db.exists("SELECT EXISTS (SELECT 1 FROM tidings_outbox_parked)")
        }

        mutating func entry(_ row: Row, _ stamp: EventStamp, in db: Database) throws -> OutboxEntry {
            let record = try SQLiteStore.record(row)
            return OutboxEntry(
                sequence: row[5], stamp: stamp, record: record, appendedAt: Timestamp(millisecondsSince1970: row[6]),
                isBehindParked: try isAnythingParked && isParked(record, in: db))
        }

        private func isParked(_ record: EventRecord, in db: Database) throws -> Bool {
            guard let key = record.key else { return false }
            return try db.exists(
                "SELECT EXISTS (SELECT 1 FROM tidings_outbox_parked WHERE topic = ? AND key = ?)",
                [record.topic, key.blob])
        }
    }

    private func remove(_ sequences: [Int64], in db: Database) throws {
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

    private func keep(_ sequences: [Int64], in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO tidings_outbox_sent
                    (sequence, event_id, topic, key, headers, value, appended_at, sent_at)
                SELECT sequence, event_id, topic, key, headers, value, appended_at, ?
                FROM tidings_outbox WHERE sequence = ?
                """)
        let now = Timestamp.now().millisecondsSince1970
        for sequence in sequences { try statement.execute(arguments: [now, sequence]) }
    }

    private func park(_ entries: [OutboxParking], in db: Database) throws {
        if entries.isEmpty { return }
        let copy = try db.cachedStatement(
            sql: """
                INSERT INTO tidings_outbox_parked
                    (sequence, event_id, topic, key, headers, value, appended_at, parked_at, reason, is_behind)
                SELECT sequence, event_id, topic, key, headers, value, appended_at, ?, ?, ?
                FROM tidings_outbox WHERE sequence = ?
                """)
        let delete = try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence = ?")
        let now = Timestamp.now().millisecondsSince1970
        for parking in entries {
            try copy.execute(arguments: [now, parking.reason, parking.isBehind, parking.entry.sequence])
            try delete.execute(arguments: [parking.entry.sequence])
        }
    }

    /// Exact up to ten thousand; above that, the span of the numbers.
    public func outboxStatus(in db: Database) throws -> OutboxStatus {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT (SELECT count(*) FROM (SELECT 1 FROM tidings_outbox LIMIT 10000)),
                        (SELECT max(sequence) FROM tidings_outbox) - (SELECT min(sequence) FROM tidings_outbox) + 1,
                        (SELECT count(*) FROM tidings_outbox_parked),
                        (SELECT appended_at FROM tidings_outbox ORDER BY sequence LIMIT 1)
                    """))
        let counted: Int = row?[0] ?? 0
        let oldest: Int64? = row?[3]
        return OutboxStatus(
            pending: counted < 10_000 ? counted : row?[1] ?? counted, parked: row?[2] ?? 0,
            oldestPending: oldest.map(Timestamp.init(millisecondsSince1970:)))
    }
}
