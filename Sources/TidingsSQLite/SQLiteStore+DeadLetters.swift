import GRDB
import Tidings

extension SQLiteStore {
    public func removeParked(_ offsets: [Int64], of place: GroupPartition, in db: Database) throws -> Int {
        let statement = try db.cachedStatement(
            sql: """
                DELETE FROM tidings_parked
                WHERE consumer_group = ? AND topic = ? AND partition = ? AND "offset" = ?
                """)
        var count = 0
        for offset in offsets {
            try statement.execute(arguments: [place.group, place.topic, place.partition, offset])
            count += db.changesCount
        }
        return count
    }

    public func deadLetters(_ selection: DeadLetterSelection, in db: Database) throws -> [DeadLetter] {
        let ofGroup = "number > ?1 AND (?3 IS NULL OR consumer_group = ?3)"
        let ofPlace = "consumer_group = ?1 AND topic = ?2 AND partition = ?3"
        let (condition, arguments): (String, StatementArguments) =
            switch selection {
            case .page(let after, let limit, let group):
                ("\(ofGroup) ORDER BY number LIMIT ?2", [after, max(0, limit), group])
            case .causes(let after, let limit, let group):
                (
                    "\(ofGroup) AND (attempts > 0 OR is_retrying) ORDER BY number LIMIT ?2",
                    [after, max(0, limit), group]
                )
            case .letter(let number): ("number = ?1", [number])
            case .key(let key, let place, let limit):
                (
                    "\(ofPlace) AND key = ?4 ORDER BY \"offset\" LIMIT ?5",
                    [place.group, place.topic, place.partition, key.blob, max(0, limit)]
                )
            case .retrying(let place, let limit):
                (
                    "\(ofPlace) AND is_retrying AND (attempts > 0 OR is_retrying) ORDER BY \"offset\" LIMIT ?4",
                    [place.group, place.topic, place.partition, max(0, limit)]
                )
            }
        let statement = try db.cachedStatement(
            sql: "SELECT \(Self.letterColumns), is_retrying FROM tidings_parked WHERE \(condition)")
        return try Row.fetchAll(statement, arguments: arguments).map { row in
            var letter = try Self.letter(row)
            letter.isRetrying = row[12]
            return letter
        }
    }

    public func deadLetterCounts(of group: String, in db: Database) throws -> [GroupPartition: DeadLetterCount] {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT topic, partition, count(*), sum(is_retrying) FROM tidings_parked
                    WHERE consumer_group = ? AND (attempts > 0 OR is_retrying) GROUP BY topic, partition
                    """), arguments: [group])
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (
                    GroupPartition(group: group, topic: row[0], partition: row[1]),
                    DeadLetterCount(causes: row[2], retrying: row[3])
                )
            })
    }

    public func setRetrying(_ isRetrying: Bool, _ number: Int64, in db: Database) throws {
        try db.cachedStatement(sql: "UPDATE tidings_parked SET is_retrying = ? WHERE number = ?")
            .execute(arguments: [isRetrying, number])
    }

    public func keepSkipped(_ letter: DeadLetter, note: String, in db: Database) throws {
        let (record, place) = (letter.record, letter.record.place)
        try db.cachedStatement(
            sql: """
                INSERT INTO tidings_parked_skipped (\(Self.letterColumns), skipped_at, note)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            letter.number, place.group, place.topic, place.partition, record.offset,
            record.timestamp?.millisecondsSince1970, record.key.blob, HeaderBlob.encode(record.headers).blob,
            record.value.blob, record.reason, record.attempts, letter.parkedAt.millisecondsSince1970,
            Timestamp.now().millisecondsSince1970, note,
        ])
    }

    public func skippedDeadLetters(after number: Int64, limit: Int, in db: Database) throws -> [SkippedDeadLetter] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(Self.letterColumns), skipped_at, note FROM tidings_parked_skipped
                WHERE number > ? ORDER BY number LIMIT ?
                """)
        return try Row.fetchAll(statement, arguments: [number, max(0, limit)]).map { row in
            SkippedDeadLetter(
                letter: try Self.letter(row), skippedAt: Timestamp(millisecondsSince1970: row[12]), note: row[13])
        }
    }

    /// What ``letter(_:)`` reads.
    private static let letterColumns = """
        number, consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts, parked_at
        """

    /// Reads the first columns of a row, which are ``letterColumns``.
    private static func letter(_ row: Row) throws -> DeadLetter {
        let record = ParkedRecord(
            place: GroupPartition(group: row[1], topic: row[2], partition: row[3]), offset: row[4],
            timestamp: (row[5] as Int64?).map(Timestamp.init(millisecondsSince1970:)), key: try row.bytes(6),
            headers: try HeaderBlob.decode(row.bytes(7) ?? []), value: try row.bytes(8), reason: row[9],
            attempts: row[10])
        return DeadLetter(
            number: row[0], record: record, parkedAt: Timestamp(millisecondsSince1970: row[11]), isRetrying: false)
    }
}
