import ArgumentParser
import KafkaClient

/// `tidings groups`: who reads, and how far they have come.
struct GroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "List and describe consumer groups with their lag; reset and delete them.",
        discussion: """
            The members of a group share the partitions of the topics they read, and
            commit how far they have come. The lag is what is there and not committed
            yet, counted by offsets.

              tidings groups list
              tidings groups describe invoicing
              tidings groups reset invoicing --topic order --to-earliest
              tidings groups reset invoicing --topic order --to-earliest --execute
              tidings groups delete invoicing --yes

            What a Tidings service has handled is true in its own database; its offsets
            in Kafka are for looking. Not 'reset' but 'tidings replay' sets it back.

            \(Settings.help)

            \(Exits.help)
            """,
        subcommands: [
            GroupsListCommand.self, GroupsDescribeCommand.self, GroupsResetCommand.self, GroupsDeleteCommand.self,
        ])
}

/// How far a group is in one partition.
struct GroupLag: Encodable {
    var topic: String
    var partition: Int32
    var committed: Int64?
    var end: Int64
    var lag: Int64
    var member: String?
    var host: String?
}

extension Cluster {
    /// Where a group stands in every partition that it has offsets for, or that one of its members has.
    func lags(of group: GroupDescription) async throws -> [GroupLag] {
        let committed = try await admin.committedOffsets(ofGroup: group.groupID)
        var owners: [TopicPartition: GroupDescription.Member] = [:]
        for member in group.members {
            for partition in member.assignment { owners[partition] = member }
        }
        // Those of topics that are no more cannot be asked for.
        let there = Set(try await topics().flatMap(\.led))
        let partitions = Set(committed.keys).union(owners.keys).intersection(there)
        let ranges = try await admin.watermarks(Array(partitions))
        return ranges.sorted { $0.key < $1.key }.map { partition, range in
            let offset = committed[partition]
            return GroupLag(
                topic: partition.topic, partition: partition.partition, committed: offset, end: range.upperBound,
                lag: max(0, range.upperBound - max(offset ?? 0, range.lowerBound)),
                member: owners[partition].map { $0.groupInstanceID ?? $0.memberID }, host: owners[partition]?.host)
        }
    }
}

extension GroupDescription.State {
    /// In words that need no knowledge of the protocol.
    var words: String {
        switch self {
        case .unknown: "unknown"
        case .preparingRebalance, .completingRebalance: "rebalancing"
        case .stable: "stable"
        case .dead, .empty: "no members"
        }
    }
}
