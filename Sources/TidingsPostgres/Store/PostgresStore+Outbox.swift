import Synchronization
import Tidings

extension PostgresStore {
    /// Appends a record to the outbox; it is written with the transaction's commit, in the same round trip.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/notInTransaction`` when the transaction is over.
    public func append(_ record: EventRecord, in db: PostgresTransaction) throws {
        // Whoever reads the log notices by itself.
        if let log { return try db.append(record, toLogOf: log.slot) }
        try putBack(record, in: db)
    }

    /// Into the table, wherever the outbox is: what is in the log of the key lines up behind it when it is read.
    public func putBack(_ record: EventRecord, in db: PostgresTransaction) throws {
        let isFirst = db.appends.isEmpty
        try db.append(record)
        if isFirst { try db.afterCommit { [self] in wakeRelays() } }
    }

    public func claim(_ request: ClaimRequest, in db: PostgresTransaction) throws -> [OutboxEntry] {
        guard let log else { return try claimFromTable(request, in: db) }
        return try claim(request, from: log, in: db)
    }

    /// What is in the outbox's table. What one shard gives is read while the server looks at the next.
    func claimFromTable(_ request: ClaimRequest, in db: PostgresTransaction) throws -> [OutboxEntry] {
        if request.batches.isEmpty { return [] }
        try db.flush()
        let floors = floors.withLock { $0 }
        let limit = Self.limit(of: request)
        let questions = request.batches.map { batch in
            PostgresRequest(
                sql: OutboxQuery.oldest,
                parameters: [
                    batch.shard.postgresValue, (floors[batch.shard]?.value ?? 0).postgresValue,
                    .array(request.underWay(of: batch.shard)), limit.postgresValue, request.maximumBytes.postgresValue,
                ])
        }
        var now: (outbox: String, oldestID: Int64, nextID: Int64) = ("", 0, 0)
        var claims: [[OutboxEntry]] = []
        try db.exchange([OutboxQuery.now, .planningByIndex] + questions) { index, result in
            let rows = PostgresRows(result: result)
            if index == 0 {
                now = (try rows[0][0], try rows[0][1], try rows[0][2])
            } else if index > 1 {
                let batch = request.batches[claims.count]
                claims.append(try Self.entries(rows, of: batch, from: now.outbox, within: request.maximumBytes))
            }
        }
        var looks: [Int32: (lowest: Int64?, highest: Int64?)] = [:]
        for (batch, claimed) in zip(request.batches, claims) {
            let underWay = request.underWay(of: batch.shard)
            looks[batch.shard] = (
                [claimed.first?.sequence, underWay.min()].compactMap(\.self).min(),
                [claimed.last?.sequence, underWay.max()].compactMap(\.self).max()
            )
            open(batch, claimed, in: db)
        }
        try note(looks, oldestID: now.oldestID, nextID: now.nextID, in: db)
        return claims.flatMap(\.self)
    }

    /// The entries of a batch, no more than the limit allows of what was read.
    private static func entries(
        _ rows: PostgresRows, of batch: OutboxBatch, from outbox: String, within maximumBytes: Int
    ) throws -> [OutboxEntry] {
        let source = StampSource(outbox: outbox, shard: batch.shard)
        var entries: [OutboxEntry] = []
        entries.reserveCapacity(rows.count)
        var bytes = 0
        for row in rows {
            let stamp = EventStamp(source: source, batch: batch.number, index: Int32(entries.count))
            let entry = try OutboxQuery.entry(row, stamp)
            bytes += entry.record.size
            if bytes > maximumBytes, !entries.isEmpty { break }
            entries.append(entry)
        }
        return entries
    }

    /// How many entries a shard may give. Of large batches several shards share one: the next are then read while these are
    /// sent, instead of all one after the other.
    private static func limit(of request: ClaimRequest) -> Int {
        min(request.maximumCount, max(500, request.maximumCount / request.batches.count))
    }

    /// Moves the floors once it is certain that what this transaction has removed is gone.
    private func note(
        _ looks: [Int32: (lowest: Int64?, highest: Int64?)], oldestID: Int64, nextID: Int64,
        in db: PostgresTransaction
    ) throws {
        try db.afterCommit { [self] in
            floors.withLock { floors in
                for (shard, look) in looks {
                    floors[shard, default: OutboxFloor()].looked(
                        lowest: look.lowest, highest: look.highest, oldestID: oldestID, nextID: nextID)
                }
            }
        }
    }

    public func openBatches(of shards: [Int32], in db: PostgresTransaction) throws -> [OutboxEntry] {
        var entries: [OutboxEntry] = []
        var shards = shards
        while !shards.isEmpty {
            let batches = try db.query(
                """
                select distinct on (shard) shard, batch, outbox, entries from tidings_outbox_batch
                where shard = any($1) and position is null order by shard, batch
                """, PostgresValue.array(shards.map(Int64.init)))
            // Whose batch is empty, because somebody has taken all that was in it, is looked at again.
            shards = []
            for row in batches {
                let batch = OutboxBatch(shard: try row[0], number: try row[1])
                let source = StampSource(outbox: try row[2], shard: batch.shard)
                let places = try BatchEntries.decode(row[3])
                try db.exchange([.planningByIndex])
                let numbers = places.map(\.sequence)
                let rows = try db.query(
                    OutboxQuery.particular, batch.shard, PostgresValue.array(numbers), numbers.min(), numbers.max())
                if rows.isEmpty {
                    close(batch, in: db)
                    shards.append(batch.shard)
                }
                let indices = Dictionary(uniqueKeysWithValues: places.map { ($0.sequence, $0.index) })
                for row in rows {
                    let stamp = EventStamp(source: source, batch: batch.number, index: indices[try row[1]] ?? 0)
                    entries.append(try OutboxQuery.entry(row, stamp))
                }
            }
        }
        return entries.sorted { $0.stamp < $1.stamp }
    }

    public func settle(_ settlement: OutboxSettlement, in db: PostgresTransaction) throws {
        guard let log else { return try settleInTable(settlement, in: db) }
        let rest = try settle(settlement, of: log, in: db)
        if !rest.batches.isEmpty { try settleInTable(rest, in: db) }
        let gone = rest.sent.count + rest.parked.count
        if !rest.batches.isEmpty { log.pace { $0.settled(gone) } }
    }

    private func settleInTable(_ settlement: OutboxSettlement, in db: PostgresTransaction) throws {
        if !settlement.sent.isEmpty { db.executeLater(.planningByIndex) }
        for (shard, sent) in Dictionary(grouping: settlement.sent, by: \.stamp.source.shard) {
            // Never the range alone: a number inside it may belong to a transaction that has not committed yet.
            let delete = "delete from tidings_outbox where shard = $1 and \(OutboxQuery.isAmong)"
            let numbers = sent.map(\.sequence)
            db.executeLater(
                settlement.keepsSent ? "with sent as (\(delete) returning *) \(Self.keep)" : delete, shard,
                PostgresValue.array(numbers), numbers.min(), numbers.max())
        }
        try park(settlement.parked, in: db)
        for batch in settlement.batches {
            close(batch, in: db)
            open(batch, settlement.kept.filter { $0.batch == batch }, in: db)
        }
    }

    private static let keep = """
        insert into tidings_outbox_sent (sequence, event_id, topic, key, headers, value, appended_at, sent_at)
        select sequence, event_id, topic, key, headers, value, appended_at, clock_timestamp() from sent
        """

    private func park(_ entries: [OutboxParking], in db: PostgresTransaction) throws {
        if entries.isEmpty { return }
        try db.execute(
            """
            with parked as (
                delete from tidings_outbox o using unnest($1, $2, $3, $4) as p (shard, sequence, reason, is_behind)
                where o.shard = p.shard and o.sequence = p.sequence returning o.*, p.reason, p.is_behind
            )
            insert into tidings_outbox_parked
                (sequence, event_id, topic, key, headers, value, appended_at, parked_at, reason, is_behind)
            select sequence, event_id, topic, key, headers, value, appended_at, clock_timestamp(), reason,
                is_behind::boolean
            from parked
            """, PostgresValue.array(entries.map { Int64($0.entry.stamp.source.shard) }),
            PostgresValue.array(entries.map(\.entry.sequence)),
            PostgresValue.array(entries.map { Optional($0.reason.withoutZeros) }),
            PostgresValue.array(entries.map { Optional($0.isBehind ? "true" : "false") }))
    }

    private func open(_ batch: OutboxBatch, _ entries: [OutboxEntry], in db: PostgresTransaction) {
        guard let first = entries.first else { return }
        db.executeLater(
            "insert into tidings_outbox_batch (shard, batch, outbox, entries) values ($1, $2, $3, $4)", batch.shard,
            batch.number, first.stamp.source.outbox,
            BatchEntries.encode(entries.lazy.map { ($0.stamp.index, $0.sequence) }))
    }

    private func close(_ batch: OutboxBatch, in db: PostgresTransaction) {
        db.executeLater(
            "delete from tidings_outbox_batch where shard = $1 and batch = $2 and position is null", batch.shard,
            batch.number)
    }

    /// Exact up to ten thousand for each shard; above that, the server's own estimate.
    public func outboxStatus(in db: PostgresTransaction) throws -> OutboxStatus {
        try db.flush()
        try db.exchange([.planningByIndex])
        let row = try db.query(OutboxQuery.status)[0]
        var status = OutboxStatus(pending: try row[0], parked: try row[1], oldestPending: try row[2])
        try addLog(to: &status, in: db)
        return status
    }
}

extension ClaimRequest {
    /// The numbers of a shard that are under way.
    fileprivate func underWay(of shard: Int32) -> [Int64] {
        underWay.lazy.filter { $0.stamp.source.shard == shard }.map(\.sequence)
    }
}

extension String {
    /// Without the one character that PostgreSQL's text cannot hold.
    var withoutZeros: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}
