import Synchronization
import Tidings

extension PostgresStore {
    /// A server that was restored from a backup, or that took over from another, may lack commits that the former one had
    /// made, among them stamps. It has another timeline then, another system identifier, or the database another number, and
    /// the outbox gets another identity. A server that was set back as a whole cannot be told: see ``renewOutbox()``.
    public func outboxIdentity(in db: PostgresTransaction) throws -> String {
        let row = try db.query(
            """
            select id, tidings_outbox_identity.history, server.history || '/' || oid, server.history
            from tidings_outbox_identity, pg_database,
                (select system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) as history
                from pg_control_system()) server
            where datname = current_database()
            """)[0]
        let (history, present, ofServer): (String, String, String) = (try row[1], try row[2], try row[3])
        if history == present { return try row[0] }
        if history == ofServer {
            // Versions before this one did not look at the database's number.
            try db.execute("update tidings_outbox_identity set history = $1", present)
            return try row[0]
        }
        return try renewOutbox(present, in: db)
    }

    /// Gives the outbox a new identity; call it after the whole server was set back to an earlier state, by a snapshot of its
    /// disk for instance, before any relay runs. Whatever else sets a database back is noticed without it.
    ///
    /// The outbox would otherwise give stamps a second time, and readers would take new events for duplicates.
    ///
    /// - Throws: ``PostgresError``.
    public func renewOutbox() async throws {
        try await transaction { db in
            let history: String = try db.query("select history from tidings_outbox_identity")[0][0]
            _ = try self.renewOutbox(history, in: db)
        }
    }

    private func renewOutbox(_ history: String, in db: PostgresTransaction) throws -> String {
        try db.afterCommit { [log] in log?.reset() }
        // Numbers may be drawn again, too: there may be rows below what was a floor.
        floors.withLock { $0 = [:] }
        try db.execute("update tidings_outbox_shard set floor = 0")
        return try db.query(
            """
            update tidings_outbox_identity set id = replace(gen_random_uuid()::text, '-', ''), history = $1 returning id
            """, history)[0][0]
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
