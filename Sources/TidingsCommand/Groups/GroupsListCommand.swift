import ArgumentParser
import KafkaClient

struct GroupsListCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The consumer groups, with their members and their lag.")

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    private struct Row: Encodable {
        var group: String
        var state: String
        var members: Int
        var topics: [String]
        var lag: Int64
    }

    func run(on cluster: Cluster) async throws {
        let listed = try await cluster.admin.listGroups()
        let groups = try await cluster.admin.describeGroups(listed.map(\.groupID)).sorted { $0.groupID < $1.groupID }
        let progress = Progress("asking for offsets", of: Int64(groups.count), unit: "groups")
        defer { progress.end() }
        var rows: [Row] = []
        for (index, group) in groups.enumerated() {
            let lags = try await cluster.lags(of: group)
            rows.append(
                Row(
                    group: group.groupID, state: group.state.rawValue, members: group.members.count,
                    topics: Set(lags.map(\.topic)).sorted(), lag: lags.reduce(0) { $0 + $1.lag }))
            progress.reached(Int64(index + 1))
        }
        progress.end()
        if json.isJSON { return try rows.forEach { try printJSON($0) } }
        if rows.isEmpty { return printLine("there are no consumer groups") }
        printTable(
            ["GROUP", "STATE", "MEMBERS", "LAG", "TOPICS"],
            zip(rows, groups).map { row, group in
                [
                    readable(row.group), group.state.words, "\(row.members)", row.lag.grouped,
                    row.topics.joined(separator: ", "),
                ]
            })
    }
}
