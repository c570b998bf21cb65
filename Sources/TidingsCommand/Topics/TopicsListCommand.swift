import ArgumentParser
import KafkaClient

struct TopicsListCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The topics, with their partitions and how much is in them.",
        discussion: """
            Records are counted by their offsets: of a compacted topic, and of one with
            transactions, there are fewer.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Flag(help: "Show Kafka's own topics, too, whose names begin with '__'.")
    var `internal` = false

    private struct Row: Encodable {
        var topic: String
        var partitions: Int
        var replicationFactor: Int
        var records: Int64
    }

    func run(on cluster: Cluster) async throws {
        let topics = try await cluster.topics().filter { `internal` || !$0.name.hasPrefix("__") }
        let ranges = try await cluster.admin.watermarks(topics.flatMap(\.led))
        let rows = topics.map { topic in
            Row(
                topic: topic.name, partitions: topic.partitions.count,
                replicationFactor: topic.partitions.first?.replicas.count ?? 0,
                records: topic.led.reduce(0) { $0 + Int64(ranges[$1]?.count ?? 0) })
        }
        if json.isJSON { return try rows.forEach { try printJSON($0) } }
        if rows.isEmpty { return printLine("there are no topics; 'tidings topics create NAME' makes one") }
        printTable(
            ["TOPIC", "PARTITIONS", "COPIES", "RECORDS"],
            rows.map { [$0.topic, "\($0.partitions)", "\($0.replicationFactor)", $0.records.grouped] })
    }
}

extension ClusterMetadata.Topic {
    /// Its partitions that have a leader: those that can be asked.
    var led: [TopicPartition] { partitions.filter { $0.leader != nil }.map { TopicPartition(name, $0.id) } }
}
