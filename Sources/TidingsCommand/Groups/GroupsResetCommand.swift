import ArgumentParser
import KafkaClient
import Tidings

struct GroupsResetCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Set what a group has committed, so that it reads again or passes over.",
        discussion: """
            Without --execute it shows what it would do. The group must have no members:
            its consumers would commit over it.

              tidings groups reset invoicing --topic order --to-earliest
              tidings groups reset invoicing --topic order:0,3 --to-offset 1200 --execute
              tidings groups reset invoicing --all-topics \\
                --to-datetime 2026-11-27 --execute
              tidings groups reset invoicing --topic order --shift-by -10 --execute

            An offset that a partition does not have becomes the nearest that it has.
            Groups of Tidings services keep what they have handled in their databases:
            see 'tidings replay'.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The group's name.")
    var group: String

    @Option(
        name: .customLong("topic"),
        help: ArgumentHelp(
            "A topic, or some of its partitions (order:0,3). May be given several times.",
            valueName: "topic[:partitions]"), transform: TopicSelection.read)
    var topics: [TopicSelection] = []

    @Flag(help: "All topics that the group has committed offsets of.")
    var allTopics = false

    @Flag(help: "To the first record that is still there.")
    var toEarliest = false

    @Flag(help: "Behind the last record.")
    var toLatest = false

    @Option(help: ArgumentHelp("To that offset.", valueName: "offset"))
    var toOffset: Int64?

    @Option(
        help: ArgumentHelp("To the first record of that time or later (RFC 3339).", valueName: "time"),
        transform: Time.read)
    var toDatetime: Time?

    @Option(
        help: ArgumentHelp("To the first record of so long ago or later: 30s, 10m, 2h, 3d.", valueName: "duration"),
        transform: Duration.read)
    var byDuration: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("So many offsets forth, or back with a minus.", valueName: "count"))
    var shiftBy: Int64?

    @Flag(help: "Do it.")
    var execute = false

    private struct Row: Encodable {
        var topic: String
        var partition: Int32
        var committed: Int64?
        var target: Int64
        var repeated: Int64
        var executed: Bool
    }

    func validate() throws {
        guard targets.count == 1 else {
            throw ValidationError(
                "say where to, once: --to-earliest, --to-latest, --to-offset, --to-datetime, --by-duration or --shift-by"
            )
        }
        guard allTopics != !topics.isEmpty else { throw ValidationError("name the topics, or say --all-topics") }
    }

    private var targets: [OffsetTarget] {
        var targets: [OffsetTarget] = []
        if toEarliest { targets.append(.point(.beginning)) }
        if toLatest { targets.append(.point(.end)) }
        if let toOffset { targets.append(.point(.offset(toOffset))) }
        if let toDatetime { targets.append(.point(.time(toDatetime.time.millisecondsSince1970))) }
        if let byDuration {
            targets.append(.point(.time(Timestamp.now().advanced(by: .zero - byDuration).millisecondsSince1970)))
        }
        if let shiftBy { targets.append(.shift(shiftBy)) }
        return targets
    }

    func run(on cluster: Cluster) async throws {
        let partitions = try await partitions(cluster)
        let moves = try await cluster.admin.moves(ofGroup: group, in: partitions, to: targets[0])
        let description = try await cluster.admin.describeGroups([group])[0]
        if execute {
            guard description.members.isEmpty else {
                throw CommandFailure.notThere(
                    """
                    \(group) has \(counted(description.members.count, "member")): stop them first, or they commit over it
                    'tidings groups describe \(group)' shows them.
                    """)
            }
            let changes = moves.filter { $0.committed != $0.target }
            try await cluster.admin.alterOffsets(
                ofGroup: group, to: Dictionary(uniqueKeysWithValues: changes.map { ($0.partition, $0.target) }))
        }
        if json.isJSON {
            for move in moves {
                try printJSON(
                    Row(
                        topic: move.partition.topic, partition: move.partition.partition, committed: move.committed,
                        target: move.target, repeated: move.repeated, executed: execute))
            }
            return
        }
        printTable(
            ["TOPIC", "PARTITION", "COMMITTED", "NEW", "EFFECT"],
            moves.map { move in
                [
                    move.partition.topic, "\(move.partition.partition)", move.committed.map { "\($0)" } ?? "none",
                    "\(move.target)", move.effect,
                ]
            })
        if description.members.isEmpty, moves.allSatisfy({ $0.committed == nil }) {
            printLine(
                execute
                    ? "\nUntil now group '\(group)' had committed nothing of these partitions."
                    : "\nGroup '\(group)' has committed nothing of these partitions; is that its name?")
        }
        if !execute { printLine("\nThis was a dry run; --execute does it.") }
    }

    private func partitions(_ cluster: Cluster) async throws -> [TopicPartition] {
        if allTopics {
            let there = Set(try await cluster.topics().flatMap(\.led))
            let all = try await cluster.admin.committedOffsets(ofGroup: group).keys.filter { there.contains($0) }
            guard !all.isEmpty else { throw CommandFailure.notThere("group '\(group)' has committed nothing") }
            return Array(all)
        }
        return try await cluster.partitions(of: topics)
    }
}

extension OffsetMove {
    fileprivate var effect: String {
        if committed == target { return "none" }
        if repeated > 0 { return "\(counted(repeated, "record")) again" }
        return repeated < 0 ? "\(counted(-repeated, "record")) passed over" : "starts there"
    }
}

struct GroupsDeleteCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete groups with what they have committed.",
        discussion: """
            The groups must have no members. On a terminal it asks first; elsewhere it
            wants --yes.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The groups' names.")
    var groups: [String]

    @Flag(name: [.long, .short], help: "Do not ask.")
    var yes = false

    private struct Report: Encodable {
        var group: String
        var done = "deleted"
    }

    func run(on cluster: Cluster) async throws {
        for group in groups { _ = try await cluster.group(named: group) }
        try await confirm("Delete \(groups.joined(separator: ", ")) with all committed offsets?", yes: yes)
        try await cluster.admin.deleteGroups(groups)
        for group in groups {
            if json.isJSON { try printJSON(Report(group: group)) } else { printLine("group '\(group)' is deleted") }
        }
    }
}
