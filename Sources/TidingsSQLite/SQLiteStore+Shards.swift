import GRDB
import Tidings

extension SQLiteStore {
    /// A copy of the file cannot be told from the file: whoever goes back to an old one calls ``renewOutbox()``.
    public func outboxIdentity(in db: Database) throws -> String {
        let id = try String.fetchOne(db.cachedStatement(sql: "SELECT id FROM tidings_outbox_identity"))
        guard let id else { throw TidingsError(.invalidConfiguration, "tidings_outbox_identity is empty") }
        return id
    }

    /// Gives the outbox a new identity; call it after the database was restored from a backup, before any relay runs.
    ///
    /// The restored database would otherwise give stamps a second time, and readers would take new events for duplicates.
    public func renewOutbox() throws {
        try pool.write { db in
            try db.execute(sql: "UPDATE tidings_outbox_identity SET id = lower(hex(randomblob(8)))")
        }
    }

    public func outboxShards(in db: Database) throws -> [OutboxShard] {
        try Row.fetchAll(
            db.cachedStatement(sql: "SELECT shard, owner, epoch FROM tidings_outbox_shard ORDER BY shard")
        ).map { OutboxShard(number: $0[0], owner: $0[1], epoch: $0[2]) }
    }

    @discardableResult
    public func assign(_ shards: [Int32], to owner: String?, in db: Database) throws -> [OutboxShard] {
        for shard in shards {
            try db.cachedStatement(sql: "UPDATE tidings_outbox_shard SET owner = ?, epoch = epoch + 1 WHERE shard = ?")
                .execute(arguments: [owner, shard])
        }
        return shards.isEmpty ? [] : try outboxShards(in: db).filter { shards.contains($0.number) }
    }

    public func leases(withPrefix prefix: String, in db: Database) throws -> [LeaseState] {
        let now = Timestamp.now().millisecondsSince1970
        return try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT name, owner, epoch, expires_at FROM tidings_lease WHERE substr(name, 1, length(?1)) = ?1"),
            arguments: [prefix]
        ).map { row in
            LeaseState(
                lease: Lease(name: row[0], owner: row[1], epoch: row[2]),
                remaining: .milliseconds((row[3] as Int64) - now))
        }
    }
}
