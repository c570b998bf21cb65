extension PostgresSchema {
    /// - `tidings_outbox.shard`: which part of the outbox the event belongs to; a hash of its key modulo the number of
    ///   shards. An outbox that is not empty gets one shard only, so that what waits in it keeps its order.
    /// - `tidings_outbox_identity`: the name in the stamps of this outbox, and for which server's history it holds.
    /// - `tidings_outbox_shard`: which relay has which part, and from which number on it looks for rows.
    /// - `tidings_outbox_batch`: batches that are stamped and not settled, with the places of their entries
    ///   (`BatchEntries`) and the outbox's name at that time.
    /// - `tidings_outbox_parked.is_behind`: nothing is wrong with the event, but with an earlier one of its key.
    static let shards = [
        "lock table tidings_outbox in access exclusive mode",
        "alter table tidings_outbox add column shard integer not null default 0",
        "alter table tidings_outbox alter column shard drop default",
        "alter table tidings_outbox drop constraint tidings_outbox_pkey",
        "alter table tidings_outbox add primary key (shard, sequence)",
        """
        create table tidings_outbox_identity (id text not null, history text not null, shards integer not null)
        """,
        """
        insert into tidings_outbox_identity (id, history, shards)
        select '', '', case when exists (select from tidings_outbox) then 1 else 4 end
        """,
        """
        create table tidings_outbox_shard (
            shard integer primary key,
            owner text,
            epoch bigint not null,
            floor bigint not null
        ) with (fillfactor = 50)
        """,
        """
        insert into tidings_outbox_shard (shard, epoch, floor)
        select shard, 0, 0 from tidings_outbox_identity, generate_series(0, shards - 1) as shard
        """,
        """
        create table tidings_outbox_batch (
            shard integer not null,
            batch bigint not null,
            outbox text not null,
            entries bytea not null,
            primary key (shard, batch)
        )
        """,
        "alter table tidings_outbox_parked add column is_behind boolean not null default false",
        """
        update tidings_outbox_parked set is_behind = true where reason = 'an earlier event of its key is parked'
        """,
    ]

    /// - `tidings_outbox_identity.oids`: the numbers of the database and of this table; null until somebody has looked.
    static let oids = ["alter table tidings_outbox_identity add column oids text"]
}
