extension SQLiteSchema {
    /// - `tidings_parked.number`: by which a parked record is named.
    /// - `tidings_parked.is_retrying`: somebody wants it tried again.
    /// - `tidings_parked_cause`: an index of those that do not only stand behind another.
    /// - `tidings_parked_skipped`: what somebody gave up after it was parked, with the number it had.
    static let deadLetters = """
        CREATE TABLE tidings_parked_2 (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            "offset" INTEGER NOT NULL,
            timestamp INTEGER,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            reason TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            parked_at INTEGER NOT NULL,
            is_retrying INTEGER NOT NULL DEFAULT 0,
            UNIQUE (consumer_group, topic, partition, "offset")
        );
        INSERT INTO tidings_parked_2
            (consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts, parked_at)
            SELECT consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts, parked_at
            FROM tidings_parked ORDER BY parked_at, partition, "offset";
        DROP TABLE tidings_parked;
        ALTER TABLE tidings_parked_2 RENAME TO tidings_parked;
        CREATE INDEX tidings_parked_key ON tidings_parked (consumer_group, topic, partition, key, "offset");
        CREATE INDEX tidings_parked_cause ON tidings_parked (consumer_group, topic, partition, is_retrying)
            WHERE attempts > 0 OR is_retrying;
        CREATE TABLE tidings_parked_skipped (
            number INTEGER PRIMARY KEY,
            consumer_group TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            "offset" INTEGER NOT NULL,
            timestamp INTEGER,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            reason TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            parked_at INTEGER NOT NULL,
            skipped_at INTEGER NOT NULL,
            note TEXT NOT NULL
        );
        """
}
