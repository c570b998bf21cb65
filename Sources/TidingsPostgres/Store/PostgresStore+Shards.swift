import Synchronization
import Tidings

extension PostgresStore {
    /// A server that was restored from a backup, or that took over from another, may lack commits that the former one had
    /// made, among them stamps. It has another timeline then, another system identifier, or the table another number, and the
    /// outbox gets another identity. What was set back and looks the same cannot be told: see ``renewOutbox()``.
    public func outboxIdentity(in db: PostgresTransaction) throws -> String {
        let row = try db.query(
            """
            select id, history, oids,
                system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
                pg_database.oid || '/' || 'tidings_outbox_identity'::regclass::oid
            from tidings_outbox_identity, pg_control_system(), pg_database
            where datname = current_database()
            """)[0]
        var id: String = try row[0]
        let (history, oids): (String, String?) = (try row[1], try row[2])
        let present: (history: String, oids: String) = (try row[3], try row[4])
        if history != present.history || oids.map({ $0 != present.oids }) ?? false {
            id = try renewOutbox(in: db)
        }
        if history != present.history || oids != present.oids {
            try db.execute(
                "update tidings_outbox_identity set history = $1, oids = $2", present.history, present.oids)
        }
        noticed(id)
        return id
    }

    /// Gives the outbox a new identity; call it before any relay runs after the database was set back in a way that leaves no
    /// trace: the whole server by a snapshot of its disk, or the rows alone by a restored dump of data.
    ///
    /// The outbox would otherwise give stamps a second time, and readers would take new events for duplicates. A server that was
    /// restored or promoted, and a database or its tables that were made anew, are noticed without it.
    ///
    /// - Throws: ``PostgresError``.
    public func renewOutbox() async throws {
        _ = try await transaction { try self.renewOutbox(in: $0) }
    }

    private func renewOutbox(in db: PostgresTransaction) throws -> String {
        try db.execute("update tidings_outbox_shard set floor = 0")
        return try db.query(
            "update tidings_outbox_identity set id = replace(gen_random_uuid()::text, '-', '') returning id")[0][0]
    }

    /// Whoever has renewed the outbox: numbers may be drawn again, so that there may be rows below what was a floor.
    private func noticed(_ id: String) {
        let isOther = identity.withLock { known in
            defer { known = id }
            return known != nil && known != id
        }
        guard isOther else { return }
        floors.withLock { $0 = [:] }
        log?.reset()
    }

    public func outboxShards(in db: PostgresTransaction) throws -> [OutboxShard] {
        let rows = try db.query(
            "select shard, owner, epoch, floor from tidings_outbox_shard order by shard for update")
        let floors = floors.withLock { $0 }
        for row in rows {
            // Now and then, for whoever comes next.
            if let known = floors[try row[0]]?.value, known > (try row[3] as Int64) + 1000 {
                db.executeLater(
                    "update tidings_outbox_shard set floor = $2 where shard = $1 and floor < $2", try row[0] as Int32,
                    known)
            }
        }
        return try rows.map { OutboxShard(number: try $0[0], owner: try $0[1], epoch: try $0[2]) }
    }

    @discardableResult
    public func assign(_ shards: [Int32], to owner: String?, in db: PostgresTransaction) throws -> [OutboxShard] {
        if shards.isEmpty { return [] }
        let rows = try db.query(
            """
            update tidings_outbox_shard set owner = $2, epoch = epoch + 1 where shard = any($1)
            returning shard, owner, epoch, floor
            """, PostgresValue.array(shards.map(Int64.init)), owner)
        let assigned = try rows.map { row in
            (shard: OutboxShard(number: try row[0], owner: try row[1], epoch: try row[2]), floor: try row[3] as Int64)
        }
        try db.afterCommit { [self] in
            if shards.contains(OutboxLog.shard) { log?.reset() }
            floors.withLock { floors in
                for (shard, floor) in assigned { floors[shard.number] = OutboxFloor(floor) }
            }
        }
        return assigned.map(\.shard).sorted { $0.number < $1.number }
    }

    public func leases(withPrefix prefix: String, in db: PostgresTransaction) throws -> [LeaseState] {
        try db.query(
            """
            select name, owner, epoch,
                (extract(epoch from greatest(expires_at, '2000-01-01') - clock_timestamp()) * 1000)::bigint
            from tidings_lease where starts_with(name, $1)
            """, prefix
        ).map { row in
            LeaseState(
                lease: Lease(name: try row[0], owner: try row[1], epoch: try row[2]),
                remaining: .milliseconds(try row[3] as Int64))
        }
    }
}
