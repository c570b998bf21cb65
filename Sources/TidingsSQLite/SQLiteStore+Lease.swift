import GRDB
import Tidings

extension SQLiteStore {
    public func lease(_ request: LeaseRequest, in db: Database) throws -> Lease? {
        // One machine's processes share the file, so its clock is everybody's.
        let now = Timestamp.now().millisecondsSince1970
        let expiresAt = now + Int64(request.duration.seconds * 1000)
        if let epoch = request.epoch {
            try db.cachedStatement(
                sql: "UPDATE tidings_lease SET expires_at = ? WHERE name = ? AND owner = ? AND epoch = ?"
            ).execute(arguments: [expiresAt, request.name, request.owner, epoch])
            return db.changesCount == 1 ? Lease(name: request.name, owner: request.owner, epoch: epoch) : nil
        }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO tidings_lease (name, owner, epoch, expires_at) VALUES (?, ?, 1, ?)
                ON CONFLICT (name) DO UPDATE SET
                    owner = excluded.owner, epoch = epoch + 1, expires_at = excluded.expires_at
                WHERE owner = excluded.owner OR expires_at <= ?
                RETURNING epoch
                """)
        let epoch = try Int64.fetchOne(statement, arguments: [request.name, request.owner, expiresAt, now])
        return epoch.map { Lease(name: request.name, owner: request.owner, epoch: $0) }
    }

    public func release(_ lease: Lease, in db: Database) throws {
        // The row stays, so that the epoch goes on rising.
        try db.cachedStatement(
            sql: "UPDATE tidings_lease SET expires_at = 0 WHERE name = ? AND owner = ? AND epoch = ?"
        ).execute(arguments: [lease.name, lease.owner, lease.epoch])
    }
}
