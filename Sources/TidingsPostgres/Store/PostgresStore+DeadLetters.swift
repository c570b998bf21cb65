import Tidings

extension PostgresStore {
    public func removeParked(_ offsets: [Int64], of place: GroupPartition, in db: PostgresTransaction) throws -> Int {
        try db.execute(
            """
            delete from tidings_parked
            where consumer_group = $1 and topic = $2 and partition = $3 and "offset" = any($4)
            """, place.group, place.topic, place.partition, PostgresValue.array(offsets))
    }

    public func deadLetters(_ selection: DeadLetterSelection, in db: PostgresTransaction) throws -> [DeadLetter] {
        let ofGroup = "number > $1 and ($3::text is null or consumer_group = $3)"
        let ofPlace = "consumer_group = $1 and topic = $2 and partition = $3"
        let (condition, parameters): (String, [(any PostgresEncodable)?]) =
            switch selection {
            case .page(let after, let limit, let group):
                ("\(ofGroup) order by number limit $2", [after, max(0, limit), group])
            case .causes(let after, let limit, let group):
                (
                    "\(ofGroup) and (attempts > 0 or is_retrying) order by number limit $2",
                    [after, max(0, limit), group]
                )
            case .letter(let number): ("number = $1", [number])
            case .key(let key, let place, let limit):
                (
                    "\(ofPlace) and sha256(key) = sha256($4) and key = $4 order by \"offset\" limit $5",
                    [place.group, place.topic, place.partition, key, max(0, limit)]
                )
            case .retrying(let place, let limit):
                (
                    "\(ofPlace) and is_retrying and (attempts > 0 or is_retrying) order by \"offset\" limit $4",
                    [place.group, place.topic, place.partition, max(0, limit)]
                )
            }
        let rows = try db.query(
            "select \(Self.letterColumns), is_retrying from tidings_parked where \(condition)", parameters: parameters)
        return try rows.map { row in
            var letter = try Self.letter(row)
            letter.isRetrying = try row[12]
            return letter
        }
    }

    public func deadLetterCounts(
        of group: String, in db: PostgresTransaction
    ) throws -> [GroupPartition: DeadLetterCount] {
        let rows = try db.query(
            """
            select topic, partition, count(*), count(*) filter (where is_retrying) from tidings_parked
            where consumer_group = $1 and (attempts > 0 or is_retrying) group by topic, partition
            """, group)
        var counts: [GroupPartition: DeadLetterCount] = [:]
        for row in rows {
            let place = GroupPartition(group: group, topic: try row[0], partition: try row[1])
            counts[place] = DeadLetterCount(causes: try row[2], retrying: try row[3])
        }
        return counts
    }

    /// - Throws: ``/Tidings/TidingsError/Code/invalidConfiguration`` when the transaction's isolation is above *read
    ///   committed*: it would not see what was parked while it waited.
    public func lockHandling(of place: GroupPartition, in db: PostgresTransaction) throws {
        guard db.isolation == .readCommitted else {
            throw TidingsError(
                .invalidConfiguration, "parked records are retried and skipped in a transaction with read committed")
        }
        _ = try db.query(
            """
            select 1 from tidings_offset where consumer_group = $1 and topic = $2 and partition = $3
            order by lane for update
            """, place.group, place.topic, place.partition)
    }

    public func setRetrying(_ isRetrying: Bool, _ number: Int64, in db: PostgresTransaction) throws {
        try db.execute("update tidings_parked set is_retrying = $1 where number = $2", isRetrying, number)
    }

    public func keepSkipped(_ letter: DeadLetter, note: String, in db: PostgresTransaction) throws {
        let (record, place) = (letter.record, letter.record.place)
        try db.execute(
            """
            insert into tidings_parked_skipped (\(Self.letterColumns), skipped_at, note)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, clock_timestamp(), $13)
            """, letter.number, place.group, place.topic, place.partition, record.offset,
            record.timestamp?.millisecondsSince1970, record.key, HeaderBlob.encode(record.headers), record.value,
            record.reason.withoutZeros, Int32(clamping: record.attempts), letter.parkedAt, note.withoutZeros)
    }

    public func skippedDeadLetters(
        after number: Int64, limit: Int, in db: PostgresTransaction
    ) throws -> [SkippedDeadLetter] {
        let rows = try db.query(
            """
            select \(Self.letterColumns), skipped_at, note from tidings_parked_skipped
            where number > $1 order by number limit $2
            """, number, max(0, limit))
        return try rows.map { row in
            SkippedDeadLetter(letter: try Self.letter(row), skippedAt: try row[12], note: try row[13])
        }
    }

    /// What ``letter(_:)`` reads.
    private static let letterColumns = """
        number, consumer_group, topic, partition, "offset", timestamp, key, headers, value, reason, attempts, parked_at
        """

    /// Reads the first columns of a row, which are ``letterColumns``.
    private static func letter(_ row: PostgresRow) throws -> DeadLetter {
        let place = GroupPartition(group: try row[1], topic: try row[2], partition: try row[3])
        let record = ParkedRecord(
            place: place, offset: try row[4],
            timestamp: (try row[5] as Int64?).map(Timestamp.init(millisecondsSince1970:)), key: try row[6],
            headers: try HeaderBlob.decode(try row[7]), value: try row[8], reason: try row[9],
            attempts: Int(try row[10] as Int32))
        return DeadLetter(number: try row[0], record: record, parkedAt: try row[11], isRetrying: false)
    }
}
