import KafkaLog
import KafkaProtocol

/// A topic in service.
struct Topic: Sendable {
    let name: String
    /// Random, kept for the topic's life and never used again, so that a client can tell a topic from its successor.
    let id: KafkaUUID
    /// The properties that were set for it; everything else follows the broker's defaults.
    let configuration: [String: String]
    let partitions: [Partition]

    var isInternal: Bool { TopicName.internal.contains(name) }

    func partition(_ index: Int32) -> Partition? {
        partitions.indices.contains(Int(index)) ? partitions[Int(index)] : nil
    }
}

/// A topic to be made.
struct TopicSpecification: Sendable {
    var name: String
    var partitions: Int32
    var configuration: [String: String] = [:]
}

/// Properties of a topic after the broker's defaults, and what they mean for its logs.
struct TopicConfiguration: Sendable {
    private let values: [String: String]

    init(overrides: [String: String], defaults: [String: String]) {
        values = defaults.merging(overrides) { $1 }
    }

    subscript(name: String) -> String {
        values[name] ?? TopicProperty.byName[name]?.defaultValue ?? ""
    }

    /// Why the values do not go together.
    var conflict: TopicError? {
        let log = log
        guard log.minCompactionLagMilliseconds > log.maxCompactionLagMilliseconds else { return nil }
        return TopicError(
            .invalidConfig,
            "min.compaction.lag.ms=\(log.minCompactionLagMilliseconds) is more than "
                + "max.compaction.lag.ms=\(log.maxCompactionLagMilliseconds)")
    }

    var log: LogConfiguration {
        var log = LogConfiguration()
        log.segmentBytes = integer("segment.bytes", log.segmentBytes)
        log.segmentMilliseconds = integer("segment.ms", log.segmentMilliseconds)
        log.indexIntervalBytes = integer("index.interval.bytes", log.indexIntervalBytes)
        log.maxMessageBytes = integer("max.message.bytes", log.maxMessageBytes)
        log.timestampType = self["message.timestamp.type"] == "LogAppendTime" ? .logAppendTime : .createTime
        log.timestampBeforeMaxMilliseconds = integer(
            "message.timestamp.before.max.ms", log.timestampBeforeMaxMilliseconds)
        log.timestampAfterMaxMilliseconds = integer(
            "message.timestamp.after.max.ms", log.timestampAfterMaxMilliseconds)
        let policies = self["cleanup.policy"].split(separator: ",")
        log.isCompacted = policies.contains("compact")
        log.minCleanableDirtyRatio = Double(self["min.cleanable.dirty.ratio"]) ?? log.minCleanableDirtyRatio
        log.minCompactionLagMilliseconds = integer("min.compaction.lag.ms", log.minCompactionLagMilliseconds)
        log.maxCompactionLagMilliseconds = integer("max.compaction.lag.ms", log.maxCompactionLagMilliseconds)
        log.deleteRetentionMilliseconds = integer("delete.retention.ms", log.deleteRetentionMilliseconds)
        log.isDeletable = policies.contains("delete")
        if log.isDeletable {
            log.retentionMilliseconds = integer("retention.ms", log.retentionMilliseconds)
            log.retentionBytes = integer("retention.bytes", log.retentionBytes)
        }
        log.flushIntervalMessages = integer("flush.messages", log.flushIntervalMessages)
        return log
    }

    private func integer<Number: FixedWidthInteger>(_ name: String, _ fallback: Number) -> Number {
        Number(self[name]) ?? fallback
    }
}

extension LogConfiguration {
    /// Whether anything of this log ever grows too old or too much.
    var hasRetention: Bool { retentionMilliseconds >= 0 || retentionBytes >= 0 }
}
