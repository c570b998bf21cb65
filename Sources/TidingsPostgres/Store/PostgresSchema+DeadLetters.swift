extension PostgresSchema {
    /// - `tidings_parked.number`: by which a parked record is named.
    /// - `tidings_parked.is_retrying`: somebody wants it tried again.
    /// - `tidings_parked_cause`: an index of those that do not only stand behind another.
    /// - `tidings_parked_skipped`: what somebody gave up after it was parked, with the number it had.
    static let deadLetters = [
        """
        alter table tidings_parked add column number bigint generated always as identity,
            add column is_retrying boolean not null default false
        """,
        "create unique index tidings_parked_number on tidings_parked (number)",
        "drop index tidings_parked_key",
        """
        create index tidings_parked_key on tidings_parked (consumer_group, topic, partition, sha256(key), "offset")
        """,
        """
        create index tidings_parked_cause on tidings_parked (consumer_group, topic, partition)
        where attempts > 0 or is_retrying
        """,
        """
        create table tidings_parked_skipped (
            number bigint primary key,
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
            skipped_at timestamptz not null,
            note text not null
        )
        """,
    ]
}
