import Tidings

/// How far an outbox in the log has been read, as the database has it.
struct LogReading: Sendable {
    /// A batch that was claimed and is not settled.
    struct Open: Sendable {
        var batch: Int64
        var outbox: String
        var base: LogPosition
        /// The places of the entries, each with its number from the batch's beginning on.
        var places: [BatchEntries.Place]
        /// The entries in the order of their places; nil until they have been read again.
        var entries: [OutboxEntry]?
    }

    /// The slot, whose name the messages carry.
    var slot: String

    /// The outbox's identity.
    var outbox: String

    /// From where on nothing is claimed.
    var position: LogPosition

    /// The number of the row that says so; nil where none has been written yet.
    var row: Int64?

    /// The open batches, the oldest first.
    var opens: [Open] = []

    /// Keys that may have events in the outbox's table or among the parked, behind which others of theirs have to stay; nil
    /// while it may be any. Only the log's own relay adds to them, and so it may know too many, never too few.
    var held: Set<KeyOfTopic>?

    /// What comes before is over and may be forgotten.
    var settled: LogPosition { opens.first?.base ?? position }

    func mayBeHeld(_ record: EventRecord) -> Bool {
        if held?.isEmpty == true { return false }
        guard let key = KeyOfTopic(record) else { return false }
        return held?.contains(key) ?? true
    }

    mutating func hold(_ records: some Sequence<EventRecord>) {
        held?.formUnion(records.lazy.compactMap { KeyOfTopic($0) })
    }

    /// The entries of that open batch; nil when the stream has not read them again yet.
    mutating func entries(ofOpen place: Int, from buffer: LogBuffer) -> [OutboxEntry]? {
        let open = opens[place]
        if let entries = open.entries { return entries }
        let count = (open.places.last.map { Int($0.sequence) } ?? -1) + 1
        let found = buffer.entries(from: open.base, count: count)
        guard found.count == count else {
            buffer.want(count)
            return nil
        }
        let source = StampSource(outbox: open.outbox, shard: OutboxLog.shard)
        let entries = open.places.map { place in
            OutboxEntry(
                found[Int(place.sequence)], number: place.sequence,
                stamp: EventStamp(source: source, batch: open.batch, index: place.index))
        }
        opens[place].entries = entries
        return entries
    }
}

extension OutboxEntry {
    /// An entry of the log's as a relay takes it, with its number in its batch.
    init(_ entry: LogEntry, number: Int64, stamp: EventStamp) {
        self.init(
            sequence: OutboxEntry.firstInLog + number, stamp: stamp, record: entry.record,
            appendedAt: entry.committedAt, isBehindParked: false)
    }

    /// Where it is in its batch, under which stamp.
    var placeInLog: BatchEntries.Place { (stamp.index, sequence - OutboxEntry.firstInLog) }

    /// The table has no such numbers.
    var isFromLog: Bool { sequence < 0 }

    private static let firstInLog = Int64.min / 2
}
