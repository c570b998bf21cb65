extension SQLiteSchema {
    /// - `tidings_outbox_identity`: the name in the stamps of this outbox.
    /// - `tidings_outbox_shard`: which relay has the outbox. SQLite has one writer at a time, so one shard is as fast as
    ///   many; further relays stand by.
    /// - `tidings_outbox_batch`: batches that are stamped and not settled, with the places of their entries
    ///   (`BatchEntries`) and the outbox's name at that time.
    /// - `tidings_outbox_parked.is_behind`: nothing is wrong with the event, but with an earlier one of its key.
    static let shards = """
        CREATE TABLE tidings_outbox_identity (id TEXT NOT NULL);
        INSERT INTO tidings_outbox_identity VALUES (lower(hex(randomblob(8))));
        CREATE TABLE tidings_outbox_shard (
            shard INTEGER PRIMARY KEY,
            owner TEXT,
            epoch INTEGER NOT NULL
        );
        INSERT INTO tidings_outbox_shard VALUES (0, NULL, 0);
        CREATE TABLE tidings_outbox_batch (
            shard INTEGER NOT NULL,
            batch INTEGER NOT NULL,
            outbox TEXT NOT NULL,
            entries BLOB NOT NULL,
            PRIMARY KEY (shard, batch)
        ) WITHOUT ROWID;
        ALTER TABLE tidings_outbox_parked ADD COLUMN is_behind INTEGER NOT NULL DEFAULT 0;
        UPDATE tidings_outbox_parked SET is_behind = 1 WHERE reason = 'an earlier event of its key is parked';
        """
}
