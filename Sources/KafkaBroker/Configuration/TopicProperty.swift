import KafkaProtocol

/// A configuration property of a topic: Kafka's name, the broker's name for its default, and what it takes.
///
/// Those without a broker's name have no effect here (there is no delayed deletion, one replica). They are
/// checked and kept, since tools set them as a matter of course, and the log says so when a topic is made with them.
struct TopicProperty: Sendable {
    enum Kind: Sendable {
        case integer(ClosedRange<Int64>)
        case boolean
        /// Any of the words, or several with commas between.
        case words([String], several: Bool)
        case number
    }

    /// Whether it changes anything.
    var hasEffect: Bool { brokerName != nil }

    let name: String
    let brokerName: String?
    let defaultValue: String
    let kind: Kind
    /// What it means, in a few words; for those that have an effect.
    let summary: String

    var type: PropertyType {
        switch kind {
        case .integer(let range): .integer(range)
        case .boolean: .boolean
        case .number: .double
        case .words(_, let several): several ? .list : .string
        }
    }

    init(_ name: String, broker: String?, _ kind: Kind, default defaultValue: String, _ summary: String = "") {
        self.name = name
        self.brokerName = broker
        self.defaultValue = defaultValue
        self.kind = kind
        self.summary = summary
    }

    /// The value in its usual form, or why it is none.
    func validate(_ value: String) throws(TopicError) -> String {
        switch kind {
        case .integer(let range):
            guard let number = Int64(value), range.contains(number) else {
                throw TopicError(
                    .invalidConfig, "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return String(number)
        case .boolean:
            guard value == "true" || value == "false" else {
                throw TopicError(.invalidConfig, "\(name) takes true or false")
            }
            return value
        case .number:
            guard let number = Double(value), number >= 0, number <= 1 else {
                throw TopicError(.invalidConfig, "\(name) takes a number from 0 to 1")
            }
            return value
        case .words(let words, let several):
            let given = value.split(separator: ",").map { $0.filter { $0 != " " } }
            guard !given.isEmpty, several || given.count == 1, given.allSatisfy(words.contains) else {
                throw TopicError(.invalidConfig, "\(name) takes \(words.joined(separator: ", "))")
            }
            return given.joined(separator: ",")
        }
    }

    static let all: [TopicProperty] = [
        TopicProperty(
            "cleanup.policy", broker: "log.cleanup.policy", .words(["delete", "compact"], several: true),
            default: "delete", "delete, compact or both"),
        TopicProperty(
            "compression.type", broker: "compression.type",
            .words(["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"], several: false),
            default: "producer", "kept, without effect: batches stay as producers made them"),
        TopicProperty(
            "delete.retention.ms", broker: "log.cleaner.delete.retention.ms", .natural, default: "86400000",
            "how long compaction keeps tombstones"),
        TopicProperty("file.delete.delay.ms", broker: nil, .natural, default: "60000"),
        TopicProperty(
            "flush.messages", broker: "log.flush.interval.messages", .positive, default: "1",
            "records per sync; 1: before the ack"),
        TopicProperty("flush.ms", broker: nil, .natural, default: String(Int64.max)),
        TopicProperty(
            "index.interval.bytes", broker: "log.index.interval.bytes", .int32, default: "4096",
            "of log per index entry"),
        TopicProperty(
            "max.compaction.lag.ms", broker: "log.cleaner.max.compaction.lag.ms", .positive,
            default: String(Int64.max), "until a record is compacted, at most"),
        TopicProperty("max.message.bytes", broker: "message.max.bytes", .int32, default: "1048588", "largest batch"),
        TopicProperty(
            "message.timestamp.after.max.ms", broker: "log.message.timestamp.after.max.ms", .natural,
            default: "3600000", "a record's time ahead of now, at most"),
        TopicProperty(
            "message.timestamp.before.max.ms", broker: "log.message.timestamp.before.max.ms", .natural,
            default: String(Int64.max), "a record's time behind now, at most"),
        TopicProperty(
            "message.timestamp.type", broker: "log.message.timestamp.type",
            .words(["CreateTime", "LogAppendTime"], several: false), default: "CreateTime", "or LogAppendTime"),
        TopicProperty(
            "min.cleanable.dirty.ratio", broker: "log.cleaner.min.cleanable.ratio", .number, default: "0.5",
            "share not compacted yet that asks for it"),
        TopicProperty(
            "min.compaction.lag.ms", broker: "log.cleaner.min.compaction.lag.ms", .natural, default: "0",
            "until a record is compacted, at least"),
        TopicProperty("min.insync.replicas", broker: nil, .integer(1...1), default: "1"),
        TopicProperty("preallocate", broker: nil, .boolean, default: "false"),
        TopicProperty(
            "retention.bytes", broker: "log.retention.bytes", .orUnlimited, default: "-1", "kept per partition; -1: all"
        ),
        // Kafka's default is a week. Here records are kept unless someone says otherwise: services rebuild their state
        // from them.
        TopicProperty(
            "retention.ms", broker: "log.retention.ms", .orUnlimited, default: "-1", "how long kept; -1: for good"),
        TopicProperty(
            "segment.bytes", broker: "log.segment.bytes", .segment, default: "1073741824", "size of a segment file"),
        TopicProperty("segment.index.bytes", broker: nil, .int32, default: "10485760"),
        TopicProperty("segment.jitter.ms", broker: nil, .natural, default: "0"),
        TopicProperty(
            "segment.ms", broker: "log.roll.ms", .positive, default: "604800000", "age at which a segment ends"),
        TopicProperty("unclean.leader.election.enable", broker: nil, .boolean, default: "false"),
    ]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    static let byBrokerName = Dictionary(
        uniqueKeysWithValues: all.compactMap { property in property.brokerName.map { ($0, property) } })
}

extension TopicProperty.Kind {
    fileprivate static var natural: Self { .integer(0...Int64.max) }
    fileprivate static var positive: Self { .integer(1...Int64.max) }
    fileprivate static var int32: Self { .integer(0...Int64(Int32.max)) }
    fileprivate static var orUnlimited: Self { .integer(-1...Int64.max) }
    fileprivate static var segment: Self { .integer(1024...Int64(Int32.max)) }
}
