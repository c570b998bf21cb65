import Foundation
import Processes
import Testing

@Suite("tidings groups", .timeLimit(.minutes(2)))
struct GroupsCommandTests {
    /// A topic with two partitions, five records in each, and a group that has read some of them.
    private func prepared(_ tidings: Shell) async throws -> (topic: String, group: String) {
        let (topic, group) = (uniqueName("order"), uniqueName("audit"))
        _ = try await tidings("topics", "create", topic, "--partitions", "2")
        for partition in ["0", "1"] {
            _ = try await tidings("produce", topic, "--partition", partition, input: "1\n2\n3\n4\n5\n")
        }
        let read = try await tidings("consume", topic, "--group", group, "--max", "5")
        try #require(read.code == 0, "\(read.errors)")
        return (topic, group)
    }

    private func offsets(_ tidings: Shell, _ group: String) async throws -> [Int: Int] {
        let report = try await tidings.json("groups", "describe", group)[0]
        let rows = try #require(report["partitions"] as? [[String: Any]])
        return Dictionary(
            uniqueKeysWithValues: rows.compactMap { row in
                guard let partition = row["partition"] as? Int, let offset = row["committed"] as? Int else {
                    return nil
                }
                return (partition, offset)
            })
    }

    @Test("a group is listed and described with its lag")
    func lag() async throws {
        try await withShell { tidings in
            let (topic, group) = try await prepared(tidings)
            let row = try #require(
                try await tidings.json("groups", "list").first { $0["group"] as? String == group })
            #expect(row["members"] as? Int == 0)
            #expect(row["topics"] as? [String] == [topic])
            let committed = try await offsets(tidings, group).values.reduce(0, +)
            #expect(committed == 5)
            let text = try await tidings("groups", "describe", group)
            #expect(text.lines[0].hasPrefix("\(group): no members, lag "))
            #expect(text.lines[1].hasPrefix("TOPIC"))
            #expect(try await tidings("groups", "list").text.contains(group))
        }
    }

    @Test("a reset shows first what it would do, and does it when told to")
    func reset() async throws {
        try await withShell { tidings in
            let (topic, group) = try await prepared(tidings)
            let before = try await offsets(tidings, group)
            let dry = try await tidings("groups", "reset", group, "--topic", topic, "--to-latest")
            #expect(dry.code == 0)
            #expect(dry.lines.last == "This was a dry run; --execute does it.")
            #expect(try await offsets(tidings, group) == before)

            func reset(_ arguments: String...) async throws -> [Int: Int] {
                let done = try await Tool.run(
                    ["groups", "reset", group, "--execute", "--json", "--kafka", tidings.kafka] + arguments)
                #expect(done.code == 0, "\(done.errors)")
                return try await offsets(tidings, group)
            }
            #expect(try await reset("--topic", topic, "--to-latest") == [0: 5, 1: 5])
            #expect(try await reset("--topic", "\(topic):1", "--to-offset", "3") == [0: 5, 1: 3])
            #expect(try await reset("--all-topics", "--shift-by", "-2") == [0: 3, 1: 1])
            #expect(try await reset("--all-topics", "--shift-by", "100") == [0: 5, 1: 5])
            #expect(try await reset("--topic", topic, "--to-datetime", "2020-01-01") == [0: 0, 1: 0])
            #expect(try await reset("--topic", topic, "--by-duration", "0s") == [0: 5, 1: 5])
            #expect(try await reset("--topic", topic, "--to-earliest") == [0: 0, 1: 0])
            #expect(try await tidings("consume", topic, "--group", group, "--max", "10").lines.count == 10)
        }
    }

    @Test("a group is deleted with what it has committed")
    func deletion() async throws {
        try await withShell { tidings in
            let (_, group) = try await prepared(tidings)
            #expect(try await tidings("groups", "delete", group).code == 64, "it wants --yes where nobody can be asked")
            let deleted = try await tidings.json("groups", "delete", group, "--yes")
            #expect(deleted[0]["done"] as? String == "deleted")
            #expect(try await tidings("groups", "describe", group).code == 2)
        }
    }

    @Test("of a group that has committed nothing of a topic it says so, before and after the reset")
    func resetOfNothing() async throws {
        try await withShell { tidings in
            let (topic, _) = try await prepared(tidings)
            let group = uniqueName("new")
            func reset(_ more: String...) async throws -> Tool {
                try await Tool.run(
                    ["groups", "reset", group, "--topic", topic, "--to-latest", "--kafka", tidings.kafka] + more)
            }
            let question = "Group '\(group)' has committed nothing of these partitions; is that its name?"
            #expect(try await reset().lines.contains(question))
            let done = "Until now group '\(group)' had committed nothing of these partitions."
            #expect(try await reset("--execute").lines.contains(done))
            #expect(try await offsets(tidings, group) == [0: 5, 1: 5])
            #expect(try await !reset().text.contains("nothing of these partitions"))
        }
    }

    @Test("a group with members is not reset")
    func livingGroup() async throws {
        try await withShell { tidings in
            let (topic, group) = try await prepared(tidings)
            let member = try ChildProcess(
                Programs.tidings, ["consume", topic, "--group", group, "--follow", "--kafka", tidings.kafka])
            try await eventually("the rest") { member.lines.count == 5 }
            let refused = try await tidings("groups", "reset", group, "--topic", topic, "--to-earliest", "--execute")
            #expect(refused.code == 2)
            #expect(refused.errors.contains("has 1 member: stop them first"))
            #expect(try await tidings("groups", "reset", group, "--topic", topic, "--to-earliest").code == 0)
            member.signal(SIGINT)
            #expect(try await member.waitForExit() == 130)
        }
    }

    @Test(
        "a group or a partition that is not there is told",
        arguments: [["describe", "nobody"], ["delete", "nobody", "--yes"]])
    func nobody(_ arguments: [String]) async throws {
        try await withShell { tidings in
            let result = try await Tool.run(["groups"] + arguments + ["--kafka", tidings.kafka])
            #expect(result.code == 2)
            #expect(result.errors.contains("there is no group 'nobody'"))
        }
    }

    @Test(
        "a reset wants one target and its topics",
        arguments: [
            ["--topic", "x"], ["--to-earliest"], ["--topic", "x", "--to-earliest", "--to-latest"],
            ["--topic", "x", "--all-topics", "--to-earliest"], ["--topic", "x", "--to-datetime", "soon"],
        ])
    func wrongArguments(_ arguments: [String]) async throws {
        #expect(try await Tool.run(["groups", "reset", "g"] + arguments).code == 64)
    }
}
