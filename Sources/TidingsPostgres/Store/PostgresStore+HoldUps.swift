import Tidings

extension PostgresStore {
    /// Transactions that others wait for in order to append, and those of a second and more that keep the server from
    /// cleaning up what was sent, and the relay's floor (`OutboxFloor`) from rising.
    ///
    /// What other users' sessions do is visible to members of `pg_read_all_stats` only.
    public func holdUps(in db: PostgresTransaction) throws -> [OutboxHoldUp] {
        try db.query(Self.holdUps).map { row in
            let milliseconds: Int64 = try row[0]
            return OutboxHoldUp(age: .milliseconds(milliseconds), waiting: try row[1], description: try row[2])
        }
    }

    private static let holdUps = """
        with waiting as (
            select holder as pid, count(*) as count
            from pg_locks, unnest(pg_blocking_pids(pid)) as holder
            where locktype = 'advisory' and classid = \(OutboxAppend.classID) and not granted
                and database = (select oid from pg_database where datname = current_database())
            group by holder
        ), found as (
            select xact_start as start, coalesce(count, 0) as waiting, format('process %s, user %s, application “%s”, %s',
                a.pid, usename, application_name, state) as who
            from pg_stat_activity a left join waiting w on w.pid = a.pid
            where a.pid <> pg_backend_pid() and xact_start is not null
                and backend_type not in ('autovacuum worker', 'walsender')
                and (count is not null or (xact_start < clock_timestamp() - interval '1 second'
                    and (backend_xid is not null or backend_xmin is not null and datname = current_database())))
            union all
            select prepared, 0, format('prepared transaction “%s”, user %s', gid, owner) from pg_prepared_xacts
            where database = current_database()
        )
        select (extract(epoch from clock_timestamp() - start) * 1000)::bigint, waiting,
            who || case waiting when 0 then '; what is sent cannot be cleaned up'
                else format('; %s that append wait for it', waiting) end
        from found order by start limit 10
        """
}
