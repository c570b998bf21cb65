import ArgumentParser
import KafkaClient

struct GroupsDescribeCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Groups with the partitions they read: who has them, and how far they are.",
        discussion: """
            Where nothing is committed, the lag is all that is there.
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(help: "The groups' names.")
    var groups: [String]

    private struct Member: Encodable {
        var member: String
        var instance: String?
        var client: String
        var host: String
        var partitions: [String]
    }

    private struct Report: Encodable {
        var group: String
        var state: String
        var assignor: String
        var lag: Int64
        var members: [Member]
        var partitions: [GroupLag]
    }

    func run(on cluster: Cluster) async throws {
        for (index, name) in groups.enumerated() {
            let group = try await cluster.group(named: name)
            let lags = try await cluster.lags(of: group)
            let report = Report(
                group: name, state: group.state.rawValue, assignor: group.assignor, lag: lags.reduce(0) { $0 + $1.lag },
                members: group.members.map { member in
                    Member(
                        member: member.memberID, instance: member.groupInstanceID, client: member.clientID,
                        host: member.host, partitions: member.assignment.map(\.description))
                }, partitions: lags)
            if json.isJSON {
                try printJSON(report)
            } else {
                if index > 0 { printLine("") }
                show(report, group)
            }
        }
    }

    private func show(_ report: Report, _ group: GroupDescription) {
        let members = group.members.isEmpty ? "" : ", \(counted(group.members.count, "member"))"
        let lag = Terminal.output.styled("lag \(report.lag.grouped)", report.lag > 0 ? .yellow : .bold)
        printLine("\(readable(report.group)): \(group.state.words)\(members), \(lag)")
        if report.partitions.isEmpty { return printLine("It has committed nothing, and reads nothing.") }
        printTable(
            ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "HOST"],
            report.partitions.map { row in
                [
                    row.topic, "\(row.partition)", row.committed.map { "\($0)" } ?? "none", "\(row.end)",
                    row.lag.grouped, row.member.map { readable($0) } ?? "nobody", row.host.map { readable($0) } ?? "",
                ]
            })
        let idle = group.members.filter(\.assignment.isEmpty)
        if !idle.isEmpty { printLine("\(counted(idle.count, "member")) without a partition") }
    }
}
