import Tidings

extension PostgresStore {
    /// What is in the table, where that is to be looked into, and what is in the log.
    func claim(_ request: ClaimRequest, from log: OutboxLog, in db: PostgresTransaction) throws -> [OutboxEntry] {
        var request = request
        var claimed: [OutboxEntry] = []
        let own = request.batches.first { $0.shard == OutboxLog.shard }
        let reading = try own.map { _ in try self.reading(of: log, in: db) }
        let underWay = request.underWay.first { $0.batch.shard == OutboxLog.shard }?.batch.number
        let forgotten = reading?.opens.firstIndex { $0.batch != underWay }
        let isLogUnderWay = reading?.opens.contains { $0.batch == underWay } ?? false
        // The table and the log never have open batches of the shard at the same time, so that these have one order.
        if forgotten != nil || isLogUnderWay { request.batches.removeAll { $0.shard == OutboxLog.shard } }
        if log.pace({ $0.isDue() }) {
            claimed = try claimFromTable(request, in: db)
            let count = claimed.count
            try db.afterCommit { log.pace { $0.looked(count) } }
        }
        guard let own, let reading else { return claimed }
        let isTableUnderWay = underWay != nil && !isLogUnderWay
        if isTableUnderWay || claimed.contains(where: { $0.batch.shard == OutboxLog.shard }) {
            try keep(reading, of: log, in: db)
            return claimed
        }
        if let forgotten { return try claimAgain(forgotten, of: log, reading, in: db) + claimed }
        return try claim(own, of: log, reading, within: request, in: db) + claimed
    }

    /// An open batch of the log's that an earlier relay may have sent, or an earlier transaction claimed.
    private func claimAgain(
        _ place: Int, of log: OutboxLog, _ known: LogReading, in db: PostgresTransaction
    ) throws -> [OutboxEntry] {
        var reading = known
        var entries = reading.entries(ofOpen: place, from: try log.buffer(for: reading)) ?? []
        // Of a batch before this one something may have been parked since.
        let held = try heldKeys(among: entries.map(\.record), &reading, in: db)
        for index in entries.indices {
            entries[index].isRepeated = true
            entries[index].isBehindParked = KeyOfTopic(entries[index].record).map(held.parked.contains) ?? false
        }
        try keep(reading, of: log, in: db)
        return entries
    }

    /// The log's next batch.
    ///
    /// Events whose key has some in the table, or parked, leave the log for there, so that they stay behind them.
    private func claim(
        _ batch: OutboxBatch, of log: OutboxLog, _ known: LogReading, within request: ClaimRequest,
        in db: PostgresTransaction
    ) throws -> [OutboxEntry] {
        var reading = known
        let buffer = try log.buffer(for: reading)
        let base = reading.position
        let found = buffer.entries(from: base, count: request.maximumCount, bytes: request.maximumBytes)
        if found.isEmpty {
            try moveOn(&reading, buffer, in: db)
        } else {
            reading.position = found[found.count - 1].next
        }
        let diverted = try divert(found, &reading, in: db)
        let source = StampSource(outbox: reading.outbox, shard: OutboxLog.shard)
        var entries: [OutboxEntry] = []
        entries.reserveCapacity(found.count)
        for (number, entry) in found.enumerated() where !diverted.contains(number) {
            let stamp = EventStamp(source: source, batch: batch.number, index: Int32(entries.count))
            entries.append(OutboxEntry(entry, number: Int64(number), stamp: stamp))
        }
        if !found.isEmpty { note(batch, base, entries, &reading, in: db) }
        try keep(reading, of: log, in: db)
        // Nothing to send is no reason to rest.
        if entries.isEmpty, !found.isEmpty { try db.afterCommit { [outboxSignal] in outboxSignal.raise() } }
        return entries
    }

    /// Writes down a new batch, in place of the one before it where that is settled.
    private func note(
        _ batch: OutboxBatch, _ base: LogPosition, _ entries: [OutboxEntry], _ reading: inout LogReading,
        in db: PostgresTransaction
    ) {
        if let row = reading.row, !reading.opens.contains(where: { $0.batch == row }) {
            db.executeLater("delete from tidings_outbox_batch where shard = $1 and batch = $2", batch.shard, row)
        }
        let places = entries.map(\.placeInLog)
        db.executeLater(
            """
            insert into tidings_outbox_batch (shard, batch, outbox, entries, base, base_place, position, place)
            values ($1, $2, $3, $4, $5::text::pg_lsn, $6, $7::text::pg_lsn, $8)
            """, batch.shard, batch.number, reading.outbox, BatchEntries.encode(places), base.lsnText, base.place,
            reading.position.lsnText, reading.position.place)
        reading.row = batch.number
        if !entries.isEmpty {
            reading.opens.append(
                LogReading.Open(
                    batch: batch.number, outbox: reading.outbox, base: base, places: places, entries: entries))
        }
    }

    /// Moves on in a log that others fill, so that the server need not keep it for an outbox that is idle.
    private func moveOn(_ reading: inout LogReading, _ buffer: LogBuffer, in db: PostgresTransaction) throws {
        guard let heard = buffer.heard(from: reading.position), heard > reading.position.lsn + Self.idleBytes else {
            return
        }
        reading.position = LogPosition(lsn: heard)
        if let row = reading.row {
            db.executeLater(
                "update tidings_outbox_batch set position = $3::text::pg_lsn, place = 0 where shard = $1 and batch = $2",
                OutboxLog.shard, row, reading.position.lsnText)
        } else {
            db.executeLater(
                "update tidings_outbox_log set position = $1::text::pg_lsn", reading.position.lsnText)
        }
    }

    /// So much of the log may an idle outbox leave unconfirmed; to confirm it is itself written to the log.
    private static let idleBytes: UInt64 = 1 << 20

    /// Moves events whose key is held up from the log to the table or to the parked.
    ///
    /// - Returns: the numbers of those that are moved.
    private func divert(
        _ entries: [LogEntry], _ reading: inout LogReading, in db: PostgresTransaction
    ) throws -> Set<Int> {
        let suspects = entries.indices.filter { reading.mayBeHeld(entries[$0].record) }
        let held = try heldKeys(among: suspects.map { entries[$0].record }, &reading, in: db)
        let behindParked = suspects.filter { KeyOfTopic(entries[$0].record).map(held.parked.contains) ?? false }
        let behindWaiting = suspects.filter { KeyOfTopic(entries[$0].record).map(held.waiting.contains) ?? false }
        try keepParked(
            behindParked.map { index in
                let stamp = EventStamp(source: StampSource(outbox: reading.outbox, shard: 0), batch: 0, index: 0)
                return .behind(OutboxEntry(entries[index], number: Int64(index), stamp: stamp))
            }, in: db)
        if !behindWaiting.isEmpty {
            try db.exchange(OutboxAppend.requests(for: behindWaiting.map { entries[$0].record }))
        }
        return Set(behindParked).union(behindWaiting)
    }

    /// Which of the records' keys have parked events, and which others have some waiting in the table.
    private func heldKeys(
        among records: [EventRecord], _ reading: inout LogReading, in db: PostgresTransaction
    ) throws -> (parked: Set<KeyOfTopic>, waiting: Set<KeyOfTopic>) {
        var parked: Set<KeyOfTopic> = []
        var waiting: Set<KeyOfTopic> = []
        let keys = Array(Set(records.lazy.filter(reading.mayBeHeld).compactMap { KeyOfTopic($0) }))
        if keys.isEmpty { return (parked, waiting) }
        // From here on nobody lets parked events go, or puts them into the table, until this is committed.
        try db.exchange([Self.lockingParked])
        let states = try db.query(
            Self.holding, PostgresValue.array(keys.map { Optional($0.topic) }),
            PostgresValue.array(keys.map { Optional($0.key) }),
            PostgresValue.array(keys.map { Int64(OutboxShard.slot(ofKey: $0.key, topic: $0.topic)) }))
        for (key, state) in zip(keys, states) {
            if try state[0] {
                parked.insert(key)
            } else if try state[1] {
                waiting.insert(key)
            } else {
                reading.held?.remove(key)
            }
        }
        // All that were too many to be known may have gone by now.
        if reading.held == nil, parked.isEmpty, waiting.isEmpty { reading.held = try heldKeys(in: db) }
        return (parked, waiting)
    }

    static let lockingParked = PostgresRequest(sql: "lock table tidings_outbox_parked in row exclusive mode")

    private static let holding = """
        select exists (
                select from tidings_outbox_parked p
                where p.topic = k.topic and sha256(p.key) = sha256(k.key) and p.key = k.key),
            exists (
                select from tidings_outbox o where o.shard = k.slot % shards and o.topic = k.topic and o.key = k.key)
        from tidings_outbox_identity, unnest($1, $2, $3) with ordinality as k (topic, key, slot, place)
        order by place
        """
}

// MARK: What is known

extension PostgresStore {
    /// How far the log has been read: as it is known, or as the database says.
    func reading(of log: OutboxLog, in db: PostgresTransaction) throws -> LogReading {
        if let reading = db.reading ?? log.take() { return reading }
        let rows = try db.query(Self.progress)
        guard let newest = rows.last else {
            throw PostgresError(.invalidConfiguration, "no log has been prepared for this outbox")
        }
        func position(_ row: PostgresRow, _ column: Int) throws -> LogPosition {
            guard let position = LogPosition(lsnText: try row[column], place: try row[column + 1]) else {
                throw Self.damaged
            }
            return position
        }
        var reading = LogReading(
            slot: try newest[0], outbox: try newest[1], position: try position(newest, 2), row: try newest[4])
        for row in rows {
            guard let batch: Int64 = try row[4] else { continue }
            let places = try BatchEntries.decode(row[6])
            if places.isEmpty { continue }
            reading.opens.append(
                LogReading.Open(batch: batch, outbox: try row[5], base: try position(row, 7), places: places))
        }
        reading.held = try heldKeys(in: db)
        return reading
    }

    /// Makes what is known true with the commit.
    func keep(_ reading: LogReading, of log: OutboxLog, in db: PostgresTransaction) throws {
        db.reading = reading
        try db.afterCommit { log.put(reading) }
    }

    /// All keys that have events in the table or parked; nil when they are very many.
    private func heldKeys(in db: PostgresTransaction) throws -> Set<KeyOfTopic>? {
        let limit = 100_000
        let rows = try db.query(
            """
            select topic, key from tidings_outbox where key is not null
            union select topic, key from tidings_outbox_parked where key is not null limit $1
            """, limit)
        if rows.count == limit { return nil }
        return Set(try rows.map { KeyOfTopic(topic: try $0[0], key: try $0[1]) })
    }

    private static let damaged = TidingsError(.cannotDecode, "an outbox's place in the log is damaged")

    // The identity is not joined: of tables of one row the planner expects thousands, and so many pairs of rows that it
    // would compile the query first, for a tenth of a second.
    private static let progress = """
        select slot, (select id from tidings_outbox_identity), coalesce(b.position, l.position)::text,
            coalesce(place, 0), batch, outbox, entries, base::text, base_place
        from tidings_outbox_log l
            left join tidings_outbox_batch b on b.shard = \(OutboxLog.shard) and b.position is not null
        order by batch
        """
}
