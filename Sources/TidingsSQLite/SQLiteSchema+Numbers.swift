extension SQLiteSchema {
    /// - `tidings_outbox_mark`: no number up to it is given any more. It follows the number of an event that leaves the outbox
    ///   when none is behind it. The next number is one more than that, or than the newest event's.
    ///
    /// So a number is never given twice, not even after the newest row is gone, and a writer only writes its row.
    /// AUTOINCREMENT promises the same, and has every writer change a second page, `sqlite_sequence`. A program of before that
    /// still runs leaves the number to SQLite; where that would give one again, its row gets the next one.
    static let numbers = """
        CREATE TABLE tidings_outbox_mark (last INTEGER NOT NULL);
        INSERT INTO tidings_outbox_mark
            SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tidings_outbox'), 0);
        CREATE TABLE tidings_outbox_2 (
            sequence INTEGER PRIMARY KEY,
            event_id TEXT NOT NULL,
            topic TEXT NOT NULL,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            appended_at INTEGER NOT NULL
        );
        INSERT INTO tidings_outbox_2 SELECT sequence, event_id, topic, key, headers, value, appended_at FROM tidings_outbox;
        DROP TABLE tidings_outbox;
        ALTER TABLE tidings_outbox_2 RENAME TO tidings_outbox;
        CREATE TRIGGER tidings_outbox_left AFTER DELETE ON tidings_outbox
            WHEN NOT EXISTS (SELECT 1 FROM tidings_outbox WHERE sequence > OLD.sequence)
        BEGIN
            UPDATE tidings_outbox_mark SET last = OLD.sequence WHERE last < OLD.sequence;
        END;
        CREATE TRIGGER tidings_outbox_comes AFTER INSERT ON tidings_outbox
            WHEN NEW.sequence <= (SELECT last FROM tidings_outbox_mark)
        BEGIN
            UPDATE tidings_outbox
            SET sequence = 1 + max((SELECT last FROM tidings_outbox_mark), (SELECT max(sequence) FROM tidings_outbox))
            WHERE sequence = NEW.sequence;
        END;
        """
}
