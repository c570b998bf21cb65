import KafkaClient

/// Where a partition stands, for Kafka.
struct PartitionPosition: Sendable {
    /// All before it is handled; nil before the first batch.
    private(set) var handledUpTo: Int64?

    /// What Kafka has not been told yet.
    var uncommitted: Int64?

    /// From where Kafka went back to, up to where it was to go on: its log has lost its end, or it delivers again.
    var repeated: Range<Int64>?

    /// The offset that comes next if none is missing; nil where the start is Kafka's to know.
    private var expected: Int64?

    /// Nothing has arrived yet.
    private var isAtStart = true

    init(start: Int64?) {
        self.expected = start
    }

    mutating func handled(_ offset: Int64) {
        handledUpTo = offset
        uncommitted = offset
    }

    /// Takes note of what arrived.
    ///
    /// - Returns: the offsets that are left out and might have been deleted before they were read. Right after the start
    ///   any gap counts. Later on one of a single offset does not: each transaction of a producer leaves one behind.
    /// - Throws: ``TidingsError/Code/offsetBeyondLog``: Kafka begins before the offset it was asked for only when the log
    ///   ends before it. Whether that is so where it goes back later, ``repeated``, has to be asked.
    mutating func received(_ offsets: some Sequence<Int64>, of partition: TopicPartition) throws -> Range<Int64>? {
        var gap: Range<Int64>?
        for offset in offsets {
            if let expected {
                if offset < expected {
                    if isAtStart { throw TidingsError.offsetBeyondLog(partition, read: expected, next: offset) }
                    repeated = repeated ?? offset..<expected
                    continue
                }
                if gap == nil, offset > expected + (isAtStart ? 0 : 1) { gap = expected..<offset }
            }
            expected = offset + 1
            isAtStart = false
        }
        return gap
    }
}

extension TidingsError {
    static func offsetBeyondLog(
        _ partition: TopicPartition, read: Int64, next: Int64
    ) -> TidingsError {
        TidingsError(
            .offsetBeyondLog,
            """
            \(partition) was read up to offset \(read), but Kafka's log ends before that and goes on at \
            \(next). Nothing of that was handled. If the topic was made anew, remove the offset from the \
            database (tidings_offset); if Kafka has lost records, set it to the end of the log
            """)
    }

    static func historyMissing(_ partition: TopicPartition, read: Int64, logStart: Int64) -> TidingsError {
        TidingsError(
            .historyMissing,
            """
            Kafka has deleted \(partition) up to offset \(logStart), and the database has handled it up to \(read) only: \
            the records between are gone unread. Nothing more was handled. Keep records longer than a reader may be \
            away (retention.ms, retention.bytes); to go on without them set onMissingHistory to .continue
            """)
    }
}
