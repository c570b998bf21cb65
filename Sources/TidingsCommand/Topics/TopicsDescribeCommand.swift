import ArgumentParser
import KafkaClient

struct TopicsDescribeCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Topics with their partitions, and with their properties.",
        discussion: """
            Of the properties those that somebody has set; --all shows the broker's
            defaults, too. Where such a default is not Apache Kafka's, it says so.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The topics' names.")
    var topics: [String]

    @Flag(help: "Show properties that have the broker's defaults, too.")
    var all = false

    func run(on cluster: Cluster) async throws {
        let found = try await cluster.topics(named: topics)
        let ranges = try await cluster.admin.watermarks(found.flatMap(\.led))
        let properties = try await self.properties(of: found.map(\.name), cluster)
        for (index, topic) in found.enumerated() {
            let own = properties?[topic.name]
            let report = TopicDescription(topic, ranges, own?.filter { all || $0.source != .default })
            if json.isJSON {
                try printJSON(report)
            } else {
                if index > 0 { printLine("") }
                report.print()
                KafkaDefault.departures(in: own ?? []).forEach(printLine)
            }
        }
    }

    /// Nil when the broker does not tell them.
    private func properties(of topics: [String], _ cluster: Cluster) async throws -> [String: [TopicProperty]]? {
        do {
            return try await cluster.admin.configurations(ofTopics: topics)
        } catch let error as KafkaError where error.isUnsupported {
            return nil
        }
    }
}

extension KafkaError {
    /// The broker does not know such requests.
    var isUnsupported: Bool { code == .unsupported || code == .unsupportedFeature }
}

/// A topic as `describe` prints it.
private struct TopicDescription: Encodable {
    struct Partition: Encodable {
        var partition: Int32
        var leader: Int32?
        var replicas: [Int32]
        var inSyncReplicas: [Int32]
        var first: Int64?
        var end: Int64?
    }

    struct Property: Encodable {
        var name: String
        var value: String?
        var setBy: String
    }

    var topic: String
    var partitions: [Partition]
    var properties: [Property]?

    init(
        _ topic: ClusterMetadata.Topic, _ ranges: [TopicPartition: Range<Int64>], _ properties: [TopicProperty]?
    ) {
        self.topic = topic.name
        partitions = topic.partitions.map { partition in
            let range = ranges[TopicPartition(topic.name, partition.id)]
            return Partition(
                partition: partition.id, leader: partition.leader, replicas: partition.replicas,
                inSyncReplicas: partition.inSyncReplicas, first: range?.lowerBound, end: range?.upperBound)
        }
        self.properties = properties?.map { Property(name: $0.name, value: $0.value, setBy: $0.source.rawValue) }
    }

    func print() {
        let records = partitions.reduce(0) { $0 + ($1.end ?? 0) - ($1.first ?? 0) }
        printLine("\(topic): \(counted(partitions.count, "partition")), \(counted(records, "record"))")
        printTable(
            ["PARTITION", "LEADER", "COPIES", "IN SYNC", "FIRST", "END"],
            partitions.map { partition in
                [
                    "\(partition.partition)", partition.leader.map { "\($0)" } ?? "none", partition.replicas.list,
                    partition.inSyncReplicas.list, partition.first.map { "\($0)" } ?? "?",
                    partition.end.map { "\($0)" } ?? "?",
                ]
            })
        printLine("")
        guard let properties else { return printLine("The broker does not tell the topic's properties.") }
        if properties.isEmpty {
            return printLine("None of its properties was set; --all shows the broker's defaults, which it has.")
        }
        printTable(["PROPERTY", "VALUE", "SET BY"], properties.map { [$0.name, $0.value ?? "?", $0.setBy] })
    }
}

extension [Int32] {
    fileprivate var list: String { map { "\($0)" }.joined(separator: ",") }
}

/// A property that a broker may have another default of than Apache Kafka.
private struct KafkaDefault {
    let name: String
    let value: String
    /// What Kafka's value means.
    let meaning: String

    private static let all = [
        KafkaDefault(name: "flush.messages", value: "\(Int64.max)", meaning: "never synced by their number"),
        KafkaDefault(name: "retention.ms", value: "604800000", meaning: "kept for a week"),
    ]

    /// A sentence for each property that nobody has set, and that is not what Apache Kafka would have there.
    static func departures(in properties: [TopicProperty]) -> [String] {
        all.compactMap { kafka in
            guard let own = properties.first(where: { $0.name == kafka.name && $0.source == .default }),
                let value = own.value, value != kafka.value
            else { return nil }
            return "\(kafka.name) is \(value) by default here, with Apache Kafka \(kafka.value) (\(kafka.meaning))."
        }
    }
}
