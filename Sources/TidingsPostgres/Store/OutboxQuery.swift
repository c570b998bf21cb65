import Tidings

/// How the outbox's rows are read.
enum OutboxQuery {
    private static let columns = """
        o.shard, o.sequence, o.event_id, o.topic, o.key, o.headers, o.value, o.appended_at,
            o.key is not null and (select exists (select from tidings_outbox_parked)) and exists (
                select from tidings_outbox_parked p
                where p.topic = o.topic and sha256(p.key) = sha256(o.key) and p.key = o.key)
        """

    /// Whose outbox it is, and which transactions are under way.
    static let now = PostgresRequest(
        sql: """
            select id, pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
            from pg_current_snapshot() s, tidings_outbox_identity
            """)

    /// The first rows of a shard from its floor on that are not under way. From the floor each time: a number may appear
    /// after a later one of another key. The database keeps to the limit roughly, so that it sends no more than is wanted.
    static let oldest = """
        select \(columns)
        from (
            select *, row_number() over (order by sequence) as place,
                sum(coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)) over (order by sequence) as size
            from (
                select * from tidings_outbox
                where shard = $1 and sequence >= $2 and sequence not in (select unnest($3))
                order by sequence limit $4
            ) first
        ) o
        where o.place = 1 or o.size <= $5
        order by o.sequence
        """

    /// Whether a number is among `$2`, which go from `$3` to `$4`: so much of the index is read and no more. Of the numbers
    /// alone the planner thinks, while it knows little of the table, that to read all of the shard is cheaper.
    static let isAmong = "sequence = any($2) and sequence between $3 and $4"

    /// Rows by their numbers.
    static let particular = """
        select \(columns)
        from tidings_outbox o where o.shard = $1 and \(isAmong) order by o.sequence
        """

    static let status = """
        select
            case when full_shards = 0 then counted
                else greatest(counted, pg_stat_get_live_tuples('tidings_outbox'::regclass)) end,
            (select count(*) from tidings_outbox_parked), oldest
        from (
            select coalesce(sum(found), 0)::bigint as counted, count(*) filter (where found = 10000) as full_shards,
                min(oldest) as oldest
            from tidings_outbox_shard s, lateral (
                select count(*) as found, (array_agg(appended_at order by sequence))[1] as oldest from (
                    select sequence, appended_at from tidings_outbox t
                    where t.shard = s.shard and t.sequence >= s.floor order by t.sequence limit 10000
                ) first
            ) counts
        ) shards
        """

    /// Reads a row of ``oldest`` or ``particular``.
    static func entry(_ row: PostgresRow, _ stamp: EventStamp) throws -> OutboxEntry {
        let record = try EventRecord(
            eventID: EventID(rawValue: row[2]), topic: row[3], key: row[4], headerBytes: row[5], value: row[6])
        return OutboxEntry(
            sequence: try row[1], stamp: stamp, record: record, appendedAt: try row[7], isBehindParked: try row[8])
    }
}

extension PostgresRequest {
    /// Keeps the planner, for the rest of the transaction, from reading the whole table because it believes that it is
    /// still as small as when it was last analysed, or remembers a plan from then. A small table without an index then
    /// looks so dear that the server would compile the plan, which takes longer by far than all the rest.
    static let planningByIndex = PostgresRequest(
        sql: """
            select set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
                set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
            """)
}
