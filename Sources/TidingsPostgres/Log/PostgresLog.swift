import Tidings

/// Where a ``PostgresStore`` keeps what waits to be sent.
public struct PostgresOutbox: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case table, log }

    let kind: Kind

    /// In a table, from which a relay removes what is sent. Needs nothing of the server.
    public static let table = PostgresOutbox(kind: .table)

    /// In the server's write-ahead log, which it writes anyway: an event is a message in the log that becomes true with the
    /// transaction, and a relay reads it through logical replication right after the commit, without asking for it.
    /// There is no row to insert, delete and clean up, and no key is locked.
    ///
    /// It needs PostgreSQL 14 or later with `wal_level = logical`, a user with `REPLICATION` and the right to create in the
    /// database, and one replication slot and connection for each outbox. The server keeps log for the slot until it has
    /// been read: mind ``/Tidings/OutboxAlarms/retainedBytes``. Which one to choose: `docs/table-or-log.md`.
    public static let log = PostgresOutbox(kind: .log)
}

/// The write-ahead log of a PostgreSQL database as an outbox: what has to be there before anything is written to it, and what
/// to do when it breaks.
public enum PostgresLog {
    /// Makes what is missing of publication and replication slot, and sees that nothing was lost since. A store with
    /// ``PostgresOutbox/log`` does so by itself.
    ///
    /// Making the slot waits until all transactions are over that have written something by then.
    /// - Returns: the slot's name.
    /// - Throws: ``PostgresError/Code/slotLost``, ``PostgresError/Code/unsupportedServer``; an error of the server's if
    ///   `wal_level` is not `logical`, or the user has not the right.
    @discardableResult
    public static func prepare(_ pool: PostgresPool) async throws -> String {
        let slot = try await pool.transaction { db in
            db.isolation = .readCommitted
            let row = try db.query(slotName)[0]
            guard try row[1] >= 140_000 else {
                throw PostgresError(.unsupportedServer, "an outbox in the log needs PostgreSQL 14 or later")
            }
            let slot: String = try row[0]
            try lock(db)
            // Of no table; but the server wants one, and older than the slot.
            let isThere: Bool = try db.query("select exists (select from pg_publication where pubname = $1)", slot)[0][
                0]
            if !isThere { try db.execute("create publication \(slot)") }
            return slot
        }
        try await pool.transaction { db in
            db.isolation = .readCommitted
            try lock(db)
            guard let row = try db.query(position).first else { return try begin(slot, in: db) }
            guard let position = LogPosition(lsnText: try row[0]) else {
                throw TidingsError(.cannotDecode, "an outbox's place in the log is damaged")
            }
            let found = try db.query(LogSlot.query("$1"), slot).first
            try LogSlot.check(slot, holds: position, found.map { (try $0[0], try $0[1]) })
        }
        return slot
    }

    /// Goes on after ``PostgresError/Code/slotLost``, from now on: with a new slot, and without the events between the last
    /// one that was sent and now. Stop the relays and whoever appends before.
    public static func makeAnew(_ pool: PostgresPool) async throws {
        try await remove(pool)
        try await prepare(pool)
    }

    /// Gives the slot up, and with it what has not been sent: let the relay run empty before, without anybody who appends.
    /// Afterwards a store with ``PostgresOutbox/table`` may be opened on the database.
    public static func remove(_ pool: PostgresPool) async throws {
        try await pool.transaction { db in
            try lock(db)
            let slot: String = try db.query(slotName)[0][0]
            _ = try db.query(
                """
                select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
                where slot_name = $1 and active_pid is not null
                """, slot)
            _ = try db.query(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1", slot)
            try db.execute("delete from tidings_outbox_batch where position is not null")
            try db.execute("delete from tidings_outbox_log")
        }
    }

    /// - Throws: ``PostgresError/Code/invalidConfiguration`` when the database's outbox is the log.
    static func checkUnused(_ pool: PostgresPool) async throws {
        let isUsed: Bool = try await pool.transaction { db in
            try db.query("select exists (select from tidings_outbox_log)")[0][0]
        }
        guard !isUsed else {
            throw PostgresError(
                .invalidConfiguration,
                "this database's outbox is the log: open the store with outbox: .log, or give it up with PostgresLog.remove"
            )
        }
    }

    /// The slot comes first: none is made in a transaction that has written something. One that is there although the
    /// database does not know of it was made by an attempt that failed right after.
    private static func begin(_ slot: String, in db: PostgresTransaction) throws {
        let isThere: Bool = try db.query(
            "select exists (select from pg_replication_slots where slot_name = $1)", slot)[0][0]
        if !isThere { _ = try db.query("select pg_create_logical_replication_slot($1, 'pgoutput')", slot) }
        try db.execute(
            """
            insert into tidings_outbox_log (slot, position)
            select slot_name, confirmed_flush_lsn from pg_replication_slots where slot_name = $1
            """, slot)
    }

    private static func lock(_ db: PostgresTransaction) throws {
        _ = try db.query("select pg_advisory_xact_lock($1::bigint)", OutboxAppend.classID)
    }

    /// Names of slots are the whole server's; a schema of a database has one outbox.
    private static let slotName = """
        select 'tidings_' || left(regexp_replace(lower(current_database()), '[^a-z0-9_]', '_', 'g'), 30) || '_'
            || left(md5(current_database() || '/' || current_schema()), 8), current_setting('server_version_num')::integer
        """

    private static let position = """
        with batches as (select * from tidings_outbox_batch where position is not null)
        select coalesce(
            (select base from batches where octet_length(entries) > 0 order by batch limit 1),
            (select position from batches order by batch desc limit 1), position)::text
        from tidings_outbox_log
        """
}
