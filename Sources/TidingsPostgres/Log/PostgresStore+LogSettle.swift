import Tidings

extension PostgresStore {
    /// Writes down what has become of the log's open batches, as far as they are among those that are settled.
    ///
    /// - Returns: what is left to be settled in the table.
    func settle(_ settlement: OutboxSettlement, of log: OutboxLog, in db: PostgresTransaction) throws
        -> OutboxSettlement
    {
        guard settlement.batches.contains(where: { $0.shard == OutboxLog.shard }) else { return settlement }
        var reading = try reading(of: log, in: db)
        var rest = settlement
        for batch in settlement.batches where batch.shard == OutboxLog.shard {
            let isOnly = rest.batches.count == 1
            let own = isOnly ? rest : rest.part { $0 == batch }
            if let place = reading.opens.firstIndex(where: { $0.batch == batch.number }) {
                try write(own, ofOpen: place, &reading, log, in: db)
            } else if !own.isFromLog {
                continue
            }
            // Otherwise it is settled already.
            rest = isOnly ? OutboxSettlement(batches: []) : rest.part { $0 != batch }
        }
        try keep(reading, of: log, in: db)
        return rest
    }

    private func write(
        _ settlement: OutboxSettlement, ofOpen place: Int, _ reading: inout LogReading, _ log: OutboxLog,
        in db: PostgresTransaction
    ) throws {
        let open = reading.opens[place]
        // What is decided already is so for good.
        let settlement = settlement.part(at: Set(open.places.map(\.index)))
        if settlement.keepsSent { try keepSent(settlement.sent, in: db) }
        try keepParked(settlement.parked, in: db)
        reading.hold(settlement.parked.lazy.map(\.entry.record))
        let known = settlement.sent.count + settlement.parked.count + settlement.kept.count
        if known < open.places.count {
            // What certainly did not go waits in the table, so that the log need not be kept for it.
            guard let entries = try reading.entries(ofOpen: place, from: log.buffer(for: reading)) else {
                throw PostgresError(.connectionFailed, "the log is being read again")
            }
            let decided = Set(
                (settlement.sent + settlement.parked.map(\.entry) + settlement.kept).map(\.stamp.index))
            let released = entries.filter { !decided.contains($0.stamp.index) }.map(\.record)
            // In the order in which those who let parked events go take their locks.
            try db.exchange([Self.lockingParked] + OutboxAppend.requests(for: released))
            reading.hold(released)
        }
        let kept = settlement.kept.map(\.placeInLog)
        if kept.isEmpty, open.batch != reading.row {
            db.executeLater(
                "delete from tidings_outbox_batch where shard = $1 and batch = $2", OutboxLog.shard, open.batch)
        } else {
            db.executeLater(
                "update tidings_outbox_batch set entries = $3 where shard = $1 and batch = $2", OutboxLog.shard,
                open.batch, BatchEntries.encode(kept))
        }
        if kept.isEmpty {
            reading.opens.remove(at: place)
        } else {
            reading.opens[place].places = kept
            reading.opens[place].entries = settlement.kept
        }
    }

    /// Parks events that were in the log.
    func keepParked(_ parked: [OutboxParking], in db: PostgresTransaction) throws {
        if parked.isEmpty { return }
        let records = parked.map(\.entry.record)
        try db.execute(
            """
            insert into tidings_outbox_parked
                (sequence, event_id, topic, key, headers, value, appended_at, parked_at, reason, is_behind)
            select nextval(pg_get_serial_sequence('tidings_outbox', 'sequence')), event_id, topic, key, headers, value,
                timestamptz 'epoch' + appended * interval '1 millisecond', clock_timestamp(), reason, is_behind::boolean
            from (
                select * from unnest($1, $2, $3, $4, $5, $6, $7, $8)
                    with ordinality as r (event_id, topic, key, headers, value, appended, reason, is_behind, place)
                order by place
            ) ordered
            """, PostgresValue.array(records.map { Optional($0.eventID.rawValue) }),
            PostgresValue.array(records.map { Optional($0.topic) }), PostgresValue.array(records.map(\.key)),
            PostgresValue.array(records.map { Optional($0.headerBytes) }),
            PostgresValue.array(records.map(\.value)),
            PostgresValue.array(parked.map(\.entry.appendedAt.millisecondsSince1970)),
            PostgresValue.array(parked.map { Optional($0.reason.withoutZeros) }),
            PostgresValue.array(parked.map { Optional($0.isBehind ? "true" : "false") }))
    }

    /// Keeps for a while what has gone from the log.
    private func keepSent(_ sent: [OutboxEntry], in db: PostgresTransaction) throws {
        if sent.isEmpty { return }
        try db.execute(
            """
            insert into tidings_outbox_sent (sequence, event_id, topic, key, headers, value, appended_at, sent_at)
            select nextval(pg_get_serial_sequence('tidings_outbox', 'sequence')), event_id, topic, key, headers, value,
                timestamptz 'epoch' + appended * interval '1 millisecond', clock_timestamp()
            from (
                select * from unnest($1, $2, $3, $4, $5, $6)
                    with ordinality as r (event_id, topic, key, headers, value, appended, place)
                order by place
            ) ordered
            """, PostgresValue.array(sent.map { Optional($0.record.eventID.rawValue) }),
            PostgresValue.array(sent.map { Optional($0.record.topic) }), PostgresValue.array(sent.map(\.record.key)),
            PostgresValue.array(sent.map { Optional($0.record.headerBytes) }),
            PostgresValue.array(sent.map(\.record.value)),
            PostgresValue.array(sent.map(\.appendedAt.millisecondsSince1970)))
    }
}

extension PostgresStore {
    /// How the log stands, beside the table: what is kept of it is known to everybody, what waits in it only to its reader.
    func addLog(to status: inout OutboxStatus, in db: PostgresTransaction) throws {
        let row = try db.query(
            """
            select pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
            from tidings_outbox_log join pg_replication_slots on slot_name = slot
            """
        ).first
        status.retainedBytes = try row.flatMap { try $0[0] as Int? }
        guard let waiting = log?.waiting else { return }
        status.pending += waiting.count
        status.oldestPending = [status.oldestPending, waiting.oldest].compactMap(\.self).min()
    }
}

extension OutboxSettlement {
    /// Whether entries of the log are in it.
    fileprivate var isFromLog: Bool {
        (sent.first ?? kept.first ?? parked.first?.entry)?.isFromLog ?? false
    }

    /// The part of those places of a batch that is open; where nothing is kept, the batch was never settled.
    fileprivate func part(at indices: @autoclosure () -> Set<Int32>) -> OutboxSettlement {
        if kept.isEmpty { return self }
        let indices = indices()
        return part(of: batches) { indices.contains($0.stamp.index) }
    }

    /// The part of some of the batches.
    fileprivate func part(where belongs: (OutboxBatch) -> Bool) -> OutboxSettlement {
        part(of: batches.filter(belongs)) { belongs($0.batch) }
    }

    private func part(of batches: [OutboxBatch], _ belongs: (OutboxEntry) -> Bool) -> OutboxSettlement {
        var part = OutboxSettlement(
            batches: batches, sent: sent.filter(belongs), parked: parked.filter { belongs($0.entry) },
            kept: kept.filter(belongs))
        part.keepsSent = keepsSent
        return part
    }
}
