extension PostgresSchema {
    /// - `tidings_outbox_log`: one row where the outbox is the log.
    /// - `tidings_outbox_batch`, where `position` is set: the last batch that came from the log. It begins at `base`, after
    ///   `base_place` messages of the transaction that is committed there, and the next one at `position`; `entries` has the
    ///   places of what is open of it as numbers of messages from its beginning on, and is empty when it is settled.
    static let log = [
        "create table tidings_outbox_log (slot text primary key, position pg_lsn not null)",
        """
        alter table tidings_outbox_batch add column base pg_lsn, add column base_place integer,
            add column position pg_lsn, add column place integer
        """,
    ]
}
