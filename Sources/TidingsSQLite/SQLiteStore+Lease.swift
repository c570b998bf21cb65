import GRDB
import Tidings

extension SQLiteStore {
    public func lease(_ request: LeaseRequest, in db: Database) throws -> Lease? {
        // One machine's processes share the file, so its clock is everybody's.
        let now = Timestamp.now().millisecondsSince1970
        let expiresAt = now + Int64(request.duration.seconds * 1000)
        if let epoch = request.epoch {
            return try renew(request, epoch: epoch, now: now, expiresAt: expiresAt, in: db)
        }
        try db.cachedStatement(sql: "DELETE FROM tidings_lease WHERE expires_at < ?")
            .execute(arguments: [now - Int64(Lease.remembrance.seconds * 1000)])
        // A forgotten lease's epochs do not come again: they start from the time.
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO tidings_lease (name, owner, epoch, expires_at) VALUES (?, ?, ? * 1000, ?)
                ON CONFLICT (name) DO UPDATE SET
                    owner = excluded.owner, epoch = epoch + 1, expires_at = excluded.expires_at
                WHERE owner = excluded.owner OR expires_at <= ?
                RETURNING epoch
                """)
        let epoch = try Int64.fetchOne(statement, arguments: [request.name, request.owner, now, expiresAt, now])
        return epoch.map { Lease(name: request.name, owner: request.owner, epoch: $0) }
    }

    private func renew(
        _ request: LeaseRequest, epoch: Int64, now: Int64, expiresAt: Int64, in db: Database
    ) throws -> Lease? {
        let current = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT expires_at FROM tidings_lease WHERE name = ? AND owner = ? AND epoch = ?"),
            arguments: [request.name, request.owner, epoch])
        guard let current else { return nil }
        // Most renewals find most of the time left: no write, no sync.
        if current - now <= (expiresAt - now) * 2 / 3 {
            try db.cachedStatement(sql: "UPDATE tidings_lease SET expires_at = ? WHERE name = ?")
                .execute(arguments: [expiresAt, request.name])
        }
        return Lease(name: request.name, owner: request.owner, epoch: epoch)
    }

    public func currentLease(named name: String, in db: Database) throws -> Lease? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT owner, epoch FROM tidings_lease WHERE name = ?"), arguments: [name]
        ).map { Lease(name: name, owner: $0[0], epoch: $0[1]) }
    }

    public func release(_ lease: Lease, in db: Database) throws {
        // The row stays for a while, so that the epoch goes on rising; and over for so long that no clock brings it back.
        let past = Timestamp.now().millisecondsSince1970 - Int64(Lease.remembrance.seconds * 1000 / 2)
        try db.cachedStatement(
            sql: "UPDATE tidings_lease SET expires_at = ? WHERE name = ? AND owner = ? AND epoch = ?"
        ).execute(arguments: [past, lease.name, lease.owner, lease.epoch])
    }
}
