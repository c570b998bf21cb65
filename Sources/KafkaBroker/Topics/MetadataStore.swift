import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization

/// What the broker knows about itself beside its records: who it is, which topics exist, which producer ids are taken.
struct MetadataImage: KafkaStructure {
    struct Topic: KafkaStructure {
        var name = ""
        var id = KafkaUUID.zero
        var partitions: Int32 = 0
        var properties: [Property] = []

        init() {}

        init(name: String, id: KafkaUUID, partitions: Int32, configuration: [String: String]) {
            self.name = name
            self.id = id
            self.partitions = partitions
            properties = Property.list(configuration)
        }

        var configuration: [String: String] { properties.values }

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.uuid(&id)
            try coder.int32(&partitions)
            try coder.array(&properties)
            try coder.tags()
        }
    }

    /// Properties of brokers that were altered while they ran.
    struct Broker: KafkaStructure {
        /// The broker's number, or nothing for those of all brokers.
        var name = ""
        var properties: [Property] = []

        init() {}

        init(name: String, properties: [String: String]) {
            self.name = name
            self.properties = Property.list(properties)
        }

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.array(&properties)
            try coder.tags()
        }
    }

    struct Property: KafkaStructure {
        var name = ""
        var value = ""

        static func list(_ properties: [String: String]) -> [Property] {
            properties.sorted { $0.key < $1.key }.map { Property(name: $0.key, value: $0.value) }
        }

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.string(&value)
            try coder.tags()
        }
    }

    /// Random, made with the data directory; clients notice when they reach another cluster.
    var clusterID = KafkaUUID.zero
    /// Producer ids below have been handed out, or may have been.
    var nextProducerID: Int64 = 0
    var topics: [Topic] = []
    var brokers: [Broker] = []

    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.uuid(&clusterID)
        try coder.int64(&nextProducerID)
        try coder.array(&topics)
        try coder.array(&brokers, from: 1)
        try coder.tags()
    }
}

extension [MetadataImage.Property] {
    var values: [String: String] { Dictionary(map { ($0.name, $0.value) }) { $1 } }
}

/// Keeps the `MetadataImage` in one small file (`metadata`) that is replaced as a whole, so that after a crash the image
/// before or after a change is found, never a mixture.
///
/// Format of the payload: the image in Kafka's flexible encoding, version 1 (see `CheckpointFile` for what surrounds it).
/// Version 0, which had no brokers, is read too.
final class MetadataStore: Sendable {
    private static let version: Int16 = 1

    private let file: CheckpointFile
    private let current: Mutex<MetadataImage>

    /// Reads the image, or makes a new one for a directory that has none.
    init(directory: String, files: any FileSystem) throws {
        file = CheckpointFile(path: "\(directory)/metadata", version: Self.version, files: files)
        if let (payload, version) = try file.read(since: 0) {
            // A kill may have come between the rename and its sync. From now on the image counts, and the partitions'
            // directories with it: a power cut must not bring an older one back.
            try files.syncDirectory(directory)
            current = Mutex(try MetadataImage(stored: payload, version: version))
        } else {
            var image = MetadataImage()
            image.clusterID = .random()
            current = Mutex(image)
            try file.write(try image.stored(version: Self.version))
        }
    }

    var image: MetadataImage { current.withLock { $0 } }

    /// Changes the image durably; when this throws, nothing has changed. Blocks: storage threads only.
    func update<Result: Sendable>(_ change: (inout MetadataImage) -> Result) throws -> Result {
        try current.withLock { image in
            var changed = image
            let result = change(&changed)
            try file.write(try changed.stored(version: Self.version))
            image = changed
            return result
        }
    }
}
