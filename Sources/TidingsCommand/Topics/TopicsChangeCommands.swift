import ArgumentParser
import Glibc
import KafkaClient

struct TopicsCreateCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a topic.",
        discussion: """
            The number of partitions bounds how many members of a group share the work,
            and is hard to change later: keys then land elsewhere.

              tidings topics create order --partitions 5
              tidings topics create customer --config cleanup.policy=compact
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The topic's name.")
    var topic: String

    @Option(help: ArgumentHelp("How many partitions it gets; the broker's default if not said.", valueName: "count"))
    var partitions: Int32?

    @Option(
        help: ArgumentHelp("How many brokers keep each partition; their default if not said.", valueName: "count"))
    var replicationFactor: Int16?

    @OptionGroup var properties: TopicConfigOption

    @Flag(help: "Do nothing if it is there already, whatever it looks like.")
    var ifNotExists = false

    @Flag(help: "Ask the broker whether it would, and make nothing.")
    var dryRun = false

    func validate() throws {
        if let partitions, partitions < 1 { throw ValidationError("--partitions is at least 1") }
        if let replicationFactor, replicationFactor < 1 { throw ValidationError("--replication-factor is at least 1") }
    }

    func run(on cluster: Cluster) async throws {
        let new = TopicSpecification(
            topic, partitions: partitions, replicationFactor: replicationFactor,
            configuration: try properties.properties())
        do {
            try await cluster.admin.createTopics([new], validatesOnly: dryRun)
        } catch let error as KafkaError where error.code == .topicAlreadyExists {
            guard ifNotExists else {
                throw CommandFailure.notThere("topic '\(topic)' is there already; --if-not-exists accepts that")
            }
            return try json.report(TopicReport(topic: topic, done: "unchanged"), "topic '\(topic)' is there already")
        }
        let size = partitions.map { ", with \(counted($0, "partition"))" } ?? ""
        try json.report(
            TopicReport(topic: topic, done: "created", dryRun: dryRun ? true : nil),
            dryRun ? "topic '\(topic)' would be made\(size)" : "topic '\(topic)' is made\(size)")
    }
}

struct TopicsAlterCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "alter",
        abstract: "Set a topic's properties; give it more partitions.",
        discussion: """
              tidings topics alter order --config retention.ms=604800000
              tidings topics alter order --delete-config retention.ms
              tidings topics alter order --partitions 10

            More partitions: a key's later records then may land in another partition
            than its earlier ones, and its readers see no order between the two. There
            are never fewer.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The topic's name.")
    var topic: String

    @OptionGroup var properties: TopicConfigOption

    @Option(
        help: ArgumentHelp(
            "A property that is to have its default again. May be given several times.", valueName: "name"))
    var deleteConfig: [String] = []

    @Option(help: ArgumentHelp("How many partitions it has then.", valueName: "count"))
    var partitions: Int32?

    @Flag(help: "Ask the broker whether it would, and change nothing.")
    var dryRun = false

    func validate() throws {
        if properties.pairs.isEmpty, deleteConfig.isEmpty, partitions == nil {
            throw ValidationError("say what to change: --config, --delete-config or --partitions")
        }
    }

    func run(on cluster: Cluster) async throws {
        _ = try await cluster.topics(named: [topic])
        let (set, reset) = (try properties.properties(), Set(deleteConfig))
        // Both are asked for before one is done, so that a mistake in one leaves the other undone, too.
        for isOnlyAsked in dryRun ? [true] : [true, false] {
            if !set.isEmpty || !reset.isEmpty {
                try await cluster.admin.alterConfiguration(
                    ofTopic: topic, set: set, reset: reset, validatesOnly: isOnlyAsked)
            }
            if let partitions {
                try await cluster.admin.createPartitions([topic: partitions], validatesOnly: isOnlyAsked)
            }
        }
        try json.report(
            TopicReport(topic: topic, done: "altered", dryRun: dryRun ? true : nil),
            dryRun ? "topic '\(topic)' would be changed" : "topic '\(topic)' is changed")
    }
}

struct TopicsDeleteCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete topics with all their records.",
        discussion: """
            What is deleted is gone. On a terminal it asks first; elsewhere it wants
            --yes.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The topics' names.")
    var topics: [String]

    @Flag(name: [.long, .short], help: "Do not ask.")
    var yes = false

    func run(on cluster: Cluster) async throws {
        let found = try await cluster.topics(named: topics)
        let ranges = try await cluster.admin.watermarks(found.flatMap(\.led))
        let records = ranges.values.reduce(0) { $0 + Int64($1.count) }
        try await confirm("Delete \(topics.joined(separator: ", ")) with \(counted(records, "record"))?", yes: yes)
        try await cluster.admin.deleteTopics(topics)
        for topic in topics {
            try json.report(TopicReport(topic: topic, done: "deleted"), "topic '\(topic)' is deleted")
        }
    }
}

/// Asks on a terminal, unless `yes` says it already.
///
/// - Throws: ``CommandFailure`` when the answer is no, or nobody is there to give one; `CancellationError`.
func confirm(_ question: String, yes: Bool) async throws {
    if yes { return }
    guard isatty(STDIN_FILENO) == 1, Terminal.errors.isInteractive else {
        throw ValidationError("this cannot be undone: say --yes")
    }
    write("\(question) [y/N] ", to: STDERR_FILENO)
    let answer: String?
    do {
        // It can be cancelled: Ctrl-C is an answer, too.
        answer = try await LineReader(path: nil).next()?.first.map { String(decoding: $0, as: UTF8.self) }
    } catch {
        write("\n", to: STDERR_FILENO)
        throw error
    }
    guard let answer, ["y", "yes"].contains(answer.lowercased()) else {
        throw CommandFailure.notThere("nothing was deleted")
    }
}
