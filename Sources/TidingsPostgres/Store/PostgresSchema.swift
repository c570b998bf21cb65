import Tidings

/// Tidings' own tables; their names begin with `tidings_`. They stand in the first schema of the `search_path`.
///
/// - `tidings_outbox`: events to send. Numbers rise in commit order within a key; there are gaps, and a number may
///   appear after a later one of another key. (The sequence must hand out its numbers singly: `cache 1`.)
/// - `tidings_outbox_parked`: events that cannot go, with the number they had.
/// - `tidings_outbox_sent`, `tidings_outbox_skipped`: what is out, where it is kept, and what was given up.
/// - `tidings_outbox_identity`, `_shard`, `_batch`: the outbox's name, who has its shards, which batches are open.
/// - `tidings_outbox_log`: where the outbox is the log, the slot that it is read from, and where that began.
/// - `tidings_lease`: which relays live.
/// - `tidings_offset`: the offset of the next record to handle, in each lane of a partition.
/// - `tidings_inbox`: which stamps a lane has seen, as `StampMemory` writes it, and the lane's offset by then.
/// - `tidings_parked`, `tidings_parked_skipped`: received records that could not be handled, and those given up.
/// - `tidings_snapshot`: views' snapshots.
/// - `tidings_schema`: which of the versions here have been applied.
///
/// Headers are a sequence of (length of name, name, length of value or -1, value), lengths as 32 bits big-endian.
/// Keys are indexed by their digest, since an index entry has a limited size and a key has none.
public enum PostgresSchema {
    /// The version that this library needs.
    public static var version: Int { migrations.count }

    /// Brings the tables up to date, in one transaction. Several processes may do so at once.
    ///
    /// - Throws: ``PostgresError/Code/newerSchema`` when a later version of this library was here before.
    public static func migrate(_ pool: PostgresPool) async throws {
        try await pool.transaction { db in
            // Whatever is configured: what another process has done while this one waited for it is to be seen.
            db.isolation = .readCommitted
            // One at a time; `if not exists` alone does not keep two from colliding.
            _ = try db.query("select pg_advisory_xact_lock($1::bigint)", OutboxAppend.classID)
            try db.execute(
                """
                create table if not exists tidings_schema (
                    version integer primary key, applied_at timestamptz not null default clock_timestamp())
                """)
            let found: Int = try db.query("select coalesce(max(version), 0) from tidings_schema")[0][0]
            guard found <= version else {
                throw PostgresError(
                    .newerSchema, "the tables have version \(found), this library knows \(version): update it")
            }
            for (index, statements) in migrations.enumerated().dropFirst(found) {
                for statement in statements { try db.execute(statement) }
                try db.execute("insert into tidings_schema (version) values ($1)", Int32(index + 1))
            }
        }
    }

    /// The version that the database's tables have; 0 when there are none.
    public static func version(of pool: PostgresPool) async throws -> Int {
        try await pool.transaction { db in
            guard try db.query("select to_regclass('tidings_schema') is not null")[0][0] else { return 0 }
            return try db.query("select coalesce(max(version), 0) from tidings_schema")[0][0]
        }
    }

    /// What makes an older version, for tests of migrations; `tidings_schema` included.
    static func statements(upTo version: Int) -> [String] {
        ["create table tidings_schema (version integer primary key, applied_at timestamptz default clock_timestamp())"]
            + migrations.prefix(version).joined()
            + ["insert into tidings_schema (version) select generate_series(1, \(version))"]
    }

    /// The SQL that brings the tables from one version to the next, for those who run their migrations themselves.
    /// `tidings_schema` (version, applied_at) is theirs to keep then: by it `tidings outbox` and `tidings deadletters` know the
    /// tables.
    public static func sql(from version: Int = 0) -> String {
        migrations.dropFirst(version).joined().map { $0 + ";\n" }.joined()
    }

    private static let migrations: [[String]] = [
        [
            """
            create table tidings_outbox (
                sequence bigint generated always as identity primary key,
                event_id text not null,
                topic text not null,
                key bytea,
                headers bytea not null,
                value bytea,
                appended_at timestamptz not null
            ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
                autovacuum_vacuum_cost_delay = 0)
            """,
            """
            create table tidings_outbox_parked (
                sequence bigint primary key,
                event_id text not null,
                topic text not null,
                key bytea,
                headers bytea not null,
                value bytea,
                appended_at timestamptz not null,
                parked_at timestamptz not null,
                reason text not null
            )
            """,
            "create index tidings_outbox_parked_key on tidings_outbox_parked (topic, sha256(key))",
            """
            create table tidings_lease (
                name text primary key,
                owner text not null,
                epoch bigint not null,
                expires_at timestamptz not null
            ) with (fillfactor = 50)
            """,
            """
            create table tidings_offset (
                consumer_group text not null,
                topic text not null,
                partition integer not null,
                next_offset bigint not null,
                primary key (consumer_group, topic, partition)
            ) with (fillfactor = 50)
            """,
            """
            create table tidings_parked (
                consumer_group text not null,
                topic text not null,
                partition integer not null,
                "offset" bigint not null,
                timestamp bigint,
                key bytea,
                headers bytea not null,
                value bytea,
                reason text not null,
                attempts integer not null,
                parked_at timestamptz not null,
                primary key (consumer_group, topic, partition, "offset")
            )
            """,
            "create index tidings_parked_key on tidings_parked (consumer_group, topic, sha256(key))",
        ],
        [
            "alter table tidings_offset add lane integer not null default 0, add lanes integer not null default 1",
            "alter table tidings_offset drop constraint tidings_offset_pkey",
            "alter table tidings_offset add primary key (consumer_group, topic, partition, lane)",
            """
            create table tidings_inbox (
                consumer_group text not null,
                topic text not null,
                partition integer not null,
                lane integer not null,
                outbox text not null,
                shard integer not null,
                memory bytea not null,
                next_offset bigint not null,
                primary key (consumer_group, topic, partition, lane, outbox, shard)
            ) with (fillfactor = 50)
            """,
        ],
        shards,
        keeping,
        deadLetters,
        snapshots,
        log,
        oids,
    ]
}
