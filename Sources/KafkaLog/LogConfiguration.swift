/// The limits and choices of one partition's log, with Kafka's defaults.
///
/// ```swift
/// var configuration = LogConfiguration()
/// configuration.segmentBytes = 16 << 20
/// ```
public struct LogConfiguration: Hashable, Sendable {
    /// Who sets a record's timestamp (`message.timestamp.type`).
    public enum TimestampType: Hashable, Sendable {
        /// The producer. The default.
        case createTime
        /// The log, at the append: every batch then gets its header rewritten and its checksum computed anew.
        case logAppendTime
    }

    /// The size in bytes at which a segment is closed and the next begun (`segment.bytes`).
    public var segmentBytes: Int = 1 << 30
    /// The age in milliseconds at which a segment that holds something is closed, at the next append (`segment.ms`).
    public var segmentMilliseconds: Int64 = 7 * 24 * 3_600_000
    /// About how many bytes of log one index entry stands for (`index.interval.bytes`).
    public var indexIntervalBytes: Int = 4096
    /// The largest batch in bytes, as compressed by the producer (`max.message.bytes`).
    public var maxMessageBytes: Int = 1_048_588
    /// Who sets a record's timestamp (`message.timestamp.type`).
    public var timestampType = TimestampType.createTime
    /// How far, in milliseconds, a producer's timestamp may lie behind the log's clock (`message.timestamp.before.max.ms`).
    public var timestampBeforeMaxMilliseconds: Int64 = .max
    /// How far, in milliseconds, a producer's timestamp may lie ahead of the log's clock
    /// (`message.timestamp.after.max.ms`).
    public var timestampAfterMaxMilliseconds: Int64 = .max
    /// Whether the topic is compacted, so that every record needs a key (`cleanup.policy`).
    public var isCompacted = false
    /// Whether records may be deleted for any other reason than a newer one of their key (`cleanup.policy`).
    public var isDeletable = true
    /// The dirty part's share of a log from which on it is cleaned, 0 to 1 (`min.cleanable.dirty.ratio`).
    public var minCleanableDirtyRatio: Double = 0.5
    /// How long a record at least stays as it is before a cleaning may remove it, in milliseconds
    /// (`min.compaction.lag.ms`).
    public var minCompactionLagMilliseconds: Int64 = 0
    /// How long a record at most waits for a cleaning, in milliseconds, whatever the dirty ratio
    /// (`max.compaction.lag.ms`).
    public var maxCompactionLagMilliseconds: Int64 = .max
    /// How long tombstones and the markers of emptied transactions stay after a cleaning first met them, in milliseconds
    /// (`delete.retention.ms`): whoever reads the log from the start within that time sees every deletion.
    public var deleteRetentionMilliseconds: Int64 = 24 * 3_600_000
    /// The most bytes one batch may decompress to where the log has to look into it (a compacted topic, a look-up by
    /// timestamp).
    public var maxDecompressedBytes: Int = 256 << 20
    /// How long closed segments are kept after their newest record, in milliseconds; negative: forever
    /// (`retention.ms`).
    public var retentionMilliseconds: Int64 = -1
    /// How many bytes are kept; closed segments beyond are removed; negative: no limit (`retention.bytes`).
    public var retentionBytes: Int64 = -1
    /// How long a producer id is remembered after its last batch, in milliseconds (`producer.id.expiration.ms`).
    public var producerExpirationMilliseconds: Int64 = 24 * 3_600_000
    /// After how many records the owner should flush (`flush.messages`). 1, the default, means that the high watermark
    /// is the durable end; with more it is the log's end, and a power cut may take what readers have seen.
    public var flushIntervalMessages: Int64 = 1

    public init() {}

    /// The age at which a segment is closed: a compacted topic's in time for `max.compaction.lag.ms`.
    var segmentAge: Int64 {
        isCompacted ? min(segmentMilliseconds, maxCompactionLagMilliseconds) : segmentMilliseconds
    }

    /// Whether the high watermark waits for the disk.
    public var isDurable: Bool { flushIntervalMessages <= 1 }
}
