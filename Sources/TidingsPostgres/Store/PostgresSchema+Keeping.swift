extension PostgresSchema {
    /// - `tidings_outbox_sent`: what is out, for as long as ``/Tidings/OutboxRelayConfiguration/keepSent`` says.
    /// - `tidings_outbox_skipped`: what somebody gave up after it was parked, with the number it had.
    static let keeping = [
        """
        create table tidings_outbox_sent (
            sequence bigint not null,
            event_id text not null,
            topic text not null,
            key bytea,
            headers bytea not null,
            value bytea,
            appended_at timestamptz not null,
            sent_at timestamptz not null
        ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000)
        """,
        "create index tidings_outbox_sent_at on tidings_outbox_sent (sent_at)",
        """
        create table tidings_outbox_skipped (
            sequence bigint primary key,
            event_id text not null,
            topic text not null,
            key bytea,
            headers bytea not null,
            value bytea,
            appended_at timestamptz not null,
            parked_at timestamptz not null,
            reason text not null,
            skipped_at timestamptz not null,
            note text not null
        )
        """,
    ]
}
