import KafkaClient
import Logging
import ServiceLifecycle

/// What a topic is to be like, said where it is used; it is made if it is missing, and checked if it is there.
///
/// ```swift
/// let customers = Topic<CustomerChanged>("customer")
/// var configuration = ViewConfiguration()
/// configuration.declares = [TopicDeclaration(customers, partitions: 5, keeping: .newestOfEachKey)]
/// ```
public struct TopicDeclaration: Hashable, Sendable {
    /// What stays of a topic's records.
    public enum Keeping: Hashable, Sendable {
        /// Every record, for ever.
        case everything
        /// For each key its newest record, and tombstones for a while (`cleanup.policy=compact`).
        case newestOfEachKey
        /// The records of the last while.
        case recent(Duration)
        /// For each key its newest record, unless that is older.
        case recentNewestOfEachKey(Duration)
    }

    /// The Kafka topic's name.
    public var name: String

    /// How many partitions it has; keys lead to them.
    public var partitions: Int32

    /// What stays of its records.
    public var keeping: Keeping

    /// On how many brokers each partition is kept; nil is the broker's default, and is not checked.
    public var replication: Int16?

    /// Further properties by Kafka's names, made and checked like the others.
    public var properties: [String: String]

    /// What a topic is to be like.
    public init(
        _ name: String, partitions: Int32, keeping: Keeping, replication: Int16? = nil,
        properties: [String: String] = [:]
    ) {
        self.name = name
        self.partitions = partitions
        self.keeping = keeping
        self.replication = replication
        self.properties = properties
    }

    /// What a typed topic is to be like.
    public init<E: Event>(
        _ topic: Topic<E>, partitions: Int32, keeping: Keeping, replication: Int16? = nil,
        properties: [String: String] = [:]
    ) {
        self.init(
            topic.name, partitions: partitions, keeping: keeping, replication: replication, properties: properties)
    }

    /// What it asks for, by Kafka's names.
    var wanted: [String: String] {
        let own: [String: String] =
            switch keeping {
            case .everything: ["cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"]
            case .newestOfEachKey: ["cleanup.policy": "compact"]
            case .recent(let time): ["cleanup.policy": "delete", "retention.ms": "\(time.wholeMilliseconds)"]
            case .recentNewestOfEachKey(let time):
                ["cleanup.policy": "compact,delete", "retention.ms": "\(time.wholeMilliseconds)"]
            }
        return own.merging(properties) { $1 }
    }

    /// What is otherwise than asked for, in words.
    ///
    /// - Parameter found: the topic's properties; those that the broker does not tell are not judged.
    func differences(partitions found: Int32, properties: [String: String]) -> [String] {
        var differences: [String] = []
        if found != partitions {
            differences.append("asked for \(partitions) partitions, has \(found)")
        }
        for (name, value) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let actual = properties[name], !Self.same(actual, value) else { continue }
            differences.append("asked for \(name) \(value), is \(actual)")
        }
        return differences
    }

    /// Lists have no order.
    private static func same(_ one: String, _ other: String) -> Bool {
        func parts(_ text: String) -> Set<Substring> {
            Set(text.split(separator: ",").map { $0.drop { $0 == " " } })
        }
        return one == other || parts(one) == parts(other)
    }
}

extension TopicDeclaration {
    /// The same as `Admin.ensure`, again for as long as Kafka cannot be asked.
    static func ensure(
        _ declarations: [TopicDeclaration], _ admin: Admin, _ backoff: Backoff, _ clock: any Clock<Duration>,
        _ logger: Logger
    ) async throws {
        var attempts = 0
        while true {
            do {
                return try await admin.ensure(declarations)
            } catch let error as KafkaError where error.isRetriable || error.code == .unknownTopicOrPartition {
                // A topic that was just made may not be known everywhere.
                attempts += 1
                logger.info("topics cannot be made or checked yet", metadata: ["error": "\(error)"])
                await clock.rest(for: backoff.delay(after: attempts))
                try Task.checkCancellation()
                if Task.isShuttingDownGracefully { throw CancellationError() }
            }
        }
    }
}

extension Admin {
    /// Makes the topics that are missing, and checks those that are there.
    ///
    /// ```swift
    /// try await admin.ensure([TopicDeclaration("customer", partitions: 5, keeping: .newestOfEachKey)])
    /// ```
    ///
    /// A topic that is there stays as it is: what would have to be changed may delete records, or lead keys elsewhere, and
    /// is a person's to decide.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/topicDiffers``, which says of each topic what was asked for and what is; a `KafkaError`.
    public func ensure(_ declarations: [TopicDeclaration]) async throws {
        if declarations.isEmpty { return }
        let specifications = declarations.map {
            TopicSpecification(
                $0.name, partitions: $0.partitions, replicationFactor: $0.replication, configuration: $0.wanted)
        }
        try await createTopics(specifications, ifMissing: true)
        let names = declarations.map(\.name)
        let topics = try await metadata(topics: names).topics
        let properties = try await configurations(ofTopics: names)
        var problems: [String] = []
        for declaration in declarations {
            let found = properties[declaration.name] ?? []
            let values = found.reduce(into: [:]) { $0[$1.name] = $1.value }
            let partitions = topics.first { $0.name == declaration.name }?.partitions.count ?? 0
            let differences = declaration.differences(partitions: Int32(partitions), properties: values)
            if !differences.isEmpty {
                problems.append("the topic \(declaration.name): " + differences.joined(separator: "; "))
            }
        }
        guard problems.isEmpty else {
            throw TidingsError(
                .topicDiffers,
                problems.joined(separator: ". ") + ". Change the topic, or what the service asks for")
        }
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
