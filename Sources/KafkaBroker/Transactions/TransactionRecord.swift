import KafkaProtocol
import NIOCore

/// A record of the internal log `__transaction_state`, in the layout that Apache Kafka uses for its own:
///
///     key      version int16 = 0, transactional id string
///     value    version int16 = 1, then in the flexible encoding: producerID int64, epoch int16, timeout int32, status int8,
///              partitions (topic, partition numbers), time of the last update int64, of the beginning int64
///
/// A record without value: the id is forgotten. Kafka's tagged fields for `transaction.version` 2 have their place in
/// version 1; they are passed over and not written.
struct TransactionRecord: Sendable, Equatable {
    /// A version this broker does not know; skipped, as another program may have put it there.
    struct Unknown: Error {
        let version: Int16
    }

    private static let keyVersion: Int16 = 0
    private static let valueVersion: Int16 = 1

    var id: String
    var image: Transaction.Image?

    init(id: String, image: Transaction.Image?) {
        self.id = id
        self.image = image
    }

    func encoded() throws(ProtocolError) -> InternalLog.Entry {
        var key = ByteBuffer(integer: Self.keyVersion)
        key.writeImmutableBuffer(try Key { $0.id = id }.stored(version: Self.keyVersion, isFlexible: false))
        guard let image else { return InternalLog.Entry(key: key, value: nil) }
        var value = ByteBuffer(integer: Self.valueVersion)
        value.writeImmutableBuffer(try Value(image).stored(version: Self.valueVersion))
        return InternalLog.Entry(key: key, value: value)
    }

    init(key: ByteBuffer, value: ByteBuffer?) throws {
        var key = key
        let keyVersion = try Self.takeVersion(&key, Self.keyVersion)
        id = try Key(stored: key, version: keyVersion, isFlexible: false).id
        guard var value else { return }
        let version = try Self.takeVersion(&value, Self.valueVersion)
        image = try Value(stored: value, version: version, isFlexible: version >= 1).image
    }

    private static func takeVersion(_ buffer: inout ByteBuffer, _ newest: Int16) throws -> Int16 {
        guard let version = buffer.readInteger(as: Int16.self), (0...newest).contains(version) else {
            throw Unknown(version: buffer.getInteger(at: buffer.readerIndex, as: Int16.self) ?? -1)
        }
        return version
    }

    private struct Key: KafkaStructure {
        var id = ""

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&id)
        }
    }

    private struct Value: KafkaStructure {
        struct Topic: KafkaStructure {
            var name = ""
            var partitions: [Int32] = []

            mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
                try coder.string(&name)
                try coder.array(&partitions)
                try coder.tags()
            }
        }

        var producerID: Int64 = -1
        var epoch: Int16 = -1
        var timeout: Int32 = 0
        var status: Int8 = 0
        var topics: [Topic]?
        var lastUpdate: Int64 = -1
        var startTime: Int64 = -1

        init() {}

        init(_ image: Transaction.Image) {
            producerID = image.producerID
            epoch = image.epoch
            timeout = Int32(clamping: image.timeout)
            status = image.status.rawValue
            let byTopic = Dictionary(grouping: image.partitions.sorted(), by: \.topic)
            topics = byTopic.sorted { $0.key < $1.key }.map { name, partitions in
                Topic {
                    $0.name = name
                    $0.partitions = partitions.map(\.partition)
                }
            }
            lastUpdate = image.lastUpdate
            startTime = image.startTime
        }

        var image: Transaction.Image? {
            guard let status = Transaction.Status(rawValue: status) else { return nil }
            let partitions = (topics ?? []).flatMap { topic in
                topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) }
            }
            return Transaction.Image(
                producerID: producerID, epoch: epoch, timeout: Milliseconds(timeout), status: status,
                partitions: Set(partitions), startTime: startTime, lastUpdate: lastUpdate)
        }

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int64(&producerID)
            try coder.int16(&epoch)
            try coder.int32(&timeout)
            try coder.int8(&status)
            try coder.nullableArray(&topics)
            try coder.int64(&lastUpdate)
            try coder.int64(&startTime)
            try coder.tags()
        }
    }
}
