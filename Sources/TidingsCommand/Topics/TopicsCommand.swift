import ArgumentParser
import KafkaClient

/// `tidings topics`: what there is, and making, changing and removing it.
struct TopicsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "List, describe, make, change and delete topics.",
        discussion: """
            A topic is a log of records, divided into partitions; the records of a key
            are in one of them, in order. They work on any Kafka.

              tidings topics list
              tidings topics create order --partitions 5
              tidings topics create customer --config cleanup.policy=compact
              tidings topics describe order
              tidings topics alter order --config retention.ms=604800000
              tidings topics delete order --yes

            \(Settings.help)

            \(Exits.help)
            """,
        subcommands: [
            TopicsListCommand.self, TopicsDescribeCommand.self, TopicsCreateCommand.self, TopicsAlterCommand.self,
            TopicsDeleteCommand.self,
        ])
}

/// `name=value` for a topic's property.
struct TopicConfigOption: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "A property of the topic, such as cleanup.policy=compact. May be given several times.",
            valueName: "name=value"))
    var pairs: [String] = []

    func validate() throws { _ = try properties() }

    func properties() throws -> [String: String] {
        try pairs.reduce(into: [:]) { properties, text in
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw ValidationError("--config takes NAME=VALUE, not '\(text)'")
            }
            properties[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
    }
}

/// What became of a topic.
struct TopicReport: Encodable {
    var topic: String
    /// `created`, `altered`, `deleted`, `unchanged`; of a dry run, what would have been done.
    var done: String
    var dryRun: Bool?
}

extension JSONOption {
    func report(_ report: TopicReport, _ words: String) throws {
        if isJSON { try printJSON(report) } else { printLine(words) }
    }
}
