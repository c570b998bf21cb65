import GRDB
import Tidings

extension SQLiteStore {
    public func parkedEvents(_ selection: ParkedSelection, in db: Database) throws -> [ParkedEvent] {
        let (condition, arguments): (String, StatementArguments) =
            switch selection {
            case .page(let after, let limit): ("sequence > ? ORDER BY sequence LIMIT ?", [after, max(0, limit)])
            case .causes(let after, let limit):
                ("sequence > ? AND NOT is_behind ORDER BY sequence LIMIT ?", [after, max(0, limit)])
            case .event(let sequence): ("sequence = ?", [sequence])
            case .key(let key, let topic): ("topic = ? AND key = ? ORDER BY sequence", [topic, key.blob])
            }
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(Self.recordColumns), sequence, appended_at, parked_at, reason, is_behind
                FROM tidings_outbox_parked WHERE \(condition)
                """)
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            ParkedEvent(
                sequence: row[5], record: try Self.record(row),
                appendedAt: Timestamp(millisecondsSince1970: row[6]),
                parkedAt: Timestamp(millisecondsSince1970: row[7]),
                reason: row[8], isBehind: row[9])
        }
    }

    public func removeParked(_ sequences: [Int64], in db: Database) throws {
        let statement = try db.cachedStatement(sql: "DELETE FROM tidings_outbox_parked WHERE sequence = ?")
        for sequence in sequences { try statement.execute(arguments: [sequence]) }
    }

    public func takeWaiting(like record: EventRecord, in db: Database) throws -> [EventRecord] {
        guard let key = record.key else { return [] }
        let statement = try db.cachedStatement(
            sql:
                "SELECT \(Self.recordColumns), sequence FROM tidings_outbox WHERE topic = ? AND key = ? ORDER BY sequence"
        )
        let rows = try Row.fetchAll(statement, arguments: [record.topic, key.blob])
        let delete = try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence = ?")
        for row in rows { try delete.execute(arguments: [row[5] as Int64]) }
        return try rows.map(Self.record)
    }

    public func keepSkipped(_ event: ParkedEvent, note: String, in db: Database) throws {
        let record = event.record
        try db.cachedStatement(
            sql: """
                INSERT INTO tidings_outbox_skipped (sequence, event_id, topic, key, headers, value, appended_at, parked_at,
                    reason, skipped_at, note)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            event.sequence, record.eventID.rawValue, record.topic, record.key.blob,
            record.headerBytes.blob, record.value.blob, event.appendedAt.millisecondsSince1970,
            event.parkedAt.millisecondsSince1970, event.reason, Timestamp.now().millisecondsSince1970, note,
        ])
    }

    public func skippedEvents(after sequence: Int64, limit: Int, in db: Database) throws -> [SkippedEvent] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(Self.recordColumns), sequence, appended_at, parked_at, reason, skipped_at, note
                FROM tidings_outbox_skipped WHERE sequence > ? ORDER BY sequence LIMIT ?
                """)
        return try Row.fetchAll(statement, arguments: [sequence, max(0, limit)]).map { row in
            let event = ParkedEvent(
                sequence: row[5], record: try Self.record(row),
                appendedAt: Timestamp(millisecondsSince1970: row[6]),
                parkedAt: Timestamp(millisecondsSince1970: row[7]),
                reason: row[8], isBehind: false)
            return SkippedEvent(event: event, skippedAt: Timestamp(millisecondsSince1970: row[9]), note: row[10])
        }
    }

    public func removeSent(before time: Timestamp, limit: Int, in db: Database) throws -> Int {
        try db.cachedStatement(
            sql: """
                DELETE FROM tidings_outbox_sent WHERE sequence IN (
                    SELECT sequence FROM tidings_outbox_sent WHERE sent_at < ? ORDER BY sent_at LIMIT ?)
                """
        ).execute(arguments: [time.millisecondsSince1970, max(0, limit)])
        return db.changesCount
    }

    /// What ``record(_:)`` reads.
    static let recordColumns = "event_id, topic, key, headers, value"

    /// Reads the first columns of a row, which are ``recordColumns``.
    static func record(_ row: Row) throws -> EventRecord {
        try EventRecord(
            eventID: EventID(rawValue: row[0]), topic: row[1], key: row.bytes(2), headerBytes: row.bytes(3) ?? [],
            value: row.bytes(4))
    }
}
