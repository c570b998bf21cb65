import Tidings

/// Times are the database's own: its clock is everybody's. `clock_timestamp()` rather than `now()`, which is the time at
/// which the transaction began, perhaps long before it got hold of the row.
extension PostgresStore {
    public func lease(_ request: LeaseRequest, in db: PostgresTransaction) throws -> Lease? {
        if let epoch = request.epoch { return try renew(request, epoch: epoch, in: db) }
        try db.execute(
            """
            delete from tidings_lease where name in (
                select name from tidings_lease where expires_at < clock_timestamp() - $1 * interval '1 microsecond'
                for update skip locked)
            """, Lease.remembrance.asMicroseconds)
        // A forgotten lease's epochs do not come again: they start from the time.
        let rows = try db.query(
            """
            insert into tidings_lease as l (name, owner, epoch, expires_at)
            values (
                $1, $2, (extract(epoch from clock_timestamp()) * 1000000)::bigint,
                clock_timestamp() + $3 * interval '1 microsecond')
            on conflict (name) do update set
                owner = excluded.owner, epoch = l.epoch + 1,
                expires_at = clock_timestamp() + $3 * interval '1 microsecond'
            where l.owner = excluded.owner or l.expires_at <= clock_timestamp()
            returning epoch
            """, request.name, request.owner, request.duration.asMicroseconds)
        return try rows.first.map { Lease(name: request.name, owner: request.owner, epoch: try $0[0]) }
    }

    private func renew(_ request: LeaseRequest, epoch: Int64, in db: PostgresTransaction) throws -> Lease? {
        let lease = Lease(name: request.name, owner: request.owner, epoch: epoch)
        // The row stays locked until the end, so that nobody takes the lease from under what is done under it. Most
        // renewals find most of the time left and write nothing more.
        let rows = try db.query(
            """
            select expires_at - clock_timestamp() > $4 * interval '1 microsecond' from tidings_lease
            where name = $1 and owner = $2 and epoch = $3 for no key update
            """, lease.name, lease.owner, epoch, request.duration.asMicroseconds * 2 / 3)
        guard let row = rows.first else { return nil }
        if try row[0] { return lease }
        let renewed = try db.execute(
            """
            update tidings_lease set expires_at = clock_timestamp() + $4 * interval '1 microsecond'
            where name = $1 and owner = $2 and epoch = $3
            """, lease.name, lease.owner, epoch, request.duration.asMicroseconds)
        return renewed == 1 ? lease : nil
    }

    public func currentLease(named name: String, in db: PostgresTransaction) throws -> Lease? {
        try db.query("select owner, epoch from tidings_lease where name = $1", name).first.map {
            Lease(name: name, owner: try $0[0], epoch: try $0[1])
        }
    }

    public func release(_ lease: Lease, in db: PostgresTransaction) throws {
        // The row stays for a while, so that the epoch goes on rising; and over for so long that no clock brings it back.
        try db.execute(
            """
            update tidings_lease set expires_at = clock_timestamp() - $4 * interval '1 microsecond'
            where name = $1 and owner = $2 and epoch = $3
            """, lease.name, lease.owner, lease.epoch, (Lease.remembrance / 2).asMicroseconds)
    }
}

extension Duration {
    fileprivate var asMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
