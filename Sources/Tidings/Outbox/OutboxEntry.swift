import KafkaClient

/// A record in the outbox, claimed for sending.
public struct OutboxEntry: Hashable, Sendable {
    /// Its place: rises in commit order (within a key at least); there may be gaps.
    public var sequence: Int64

    /// The stamp under which it goes out; it names the shard that the entry belongs to.
    public var stamp: EventStamp

    /// The event in its envelope, as it was appended: without its stamp.
    public var record: EventRecord

    /// When it was appended, by the database's clock or the writer's.
    public var appendedAt: Timestamp

    /// True when an earlier event of this topic and key is parked, so that this one must not overtake it.
    public var isBehindParked: Bool

    /// Whether its batch was open already, so that an earlier attempt may have sent it under this stamp. Relays note it of
    /// what ``Store/openBatches(of:in:)`` gives.
    public var isRepeated = false

    /// An entry as a store reads it.
    public init(sequence: Int64, stamp: EventStamp, record: EventRecord, appendedAt: Timestamp, isBehindParked: Bool) {
        self.sequence = sequence
        self.stamp = stamp
        self.record = record
        self.appendedAt = appendedAt
        self.isBehindParked = isBehindParked
    }

    /// The batch that it belongs to.
    public var batch: OutboxBatch { OutboxBatch(shard: stamp.source.shard, number: stamp.batch) }

    /// The record as it goes to Kafka.
    var stampedRecord: EventRecord {
        let mark = stamp.bytes
        var headers = RecordHeaders()
        headers.reserve(record.packed.bytes.count + EventStamp.headerName.utf8.count + mark.count + 8)
        headers.append(contentsOf: record.packed)
        headers.append(EventStamp.headerName, mark)
        return EventRecord(
            eventID: record.eventID, topic: record.topic, key: record.key, packed: headers, value: record.value)
    }
}

/// A batch of a shard's, by its number.
public struct OutboxBatch: Hashable, Sendable {
    /// The shard, from 0.
    public var shard: Int32

    /// The number, as in ``EventStamp/batch``.
    public var number: Int64

    /// The batch of that number.
    public init(shard: Int32, number: Int64) {
        self.shard = shard
        self.number = number
    }
}

/// How much a relay takes from the outbox at once, and under which numbers.
public struct ClaimRequest: Hashable, Sendable {
    /// The batches to make: at most one for each shard.
    public var batches: [OutboxBatch]

    /// At most so many entries in a batch.
    public var maximumCount: Int

    /// At most so many bytes of records in a batch, but always one entry.
    public var maximumBytes: Int

    /// What the relay has claimed from these shards and is on its way: it is passed over.
    public var underWay: [OutboxEntry]

    /// A claim within these limits.
    public init(batches: [OutboxBatch], maximumCount: Int, maximumBytes: Int, underWay: [OutboxEntry] = []) {
        self.batches = batches
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
        self.underWay = underWay
    }
}
