import Foundation
import Processes
import Testing
import Tidings

@Suite("tidings replay", .timeLimit(.minutes(2)))
struct ReplayCommandTests {
    /// A topic of two partitions with five records each, of which a service has handled four in its database.
    private struct Service: Sendable {
        let tidings: Shell
        let topic = uniqueName("order")
        let group = uniqueName("invoicing")
        let store: any Store
        let database: String

        func prepare() async throws {
            _ = try await tidings("topics", "create", topic, "--partitions", "2")
            for partition in ["0", "1"] {
                _ = try await tidings("produce", topic, "--partition", partition, input: "1\n2\n3\n4\n5\n")
            }
            for partition in Int32(0)...1 { try await handle(partition, from: nil, to: 4) }
        }

        func place(_ partition: Int32) -> GroupPartition {
            GroupPartition(group: group, topic: topic, partition: partition)
        }

        func handle(_ partition: Int32, from expected: Int64?, to next: Int64) async throws {
            try await move(store, place(partition), from: expected, to: next)
        }

        var offsets: [Int64?] {
            get async throws { try await [offset(store, place(0)), offset(store, place(1))] }
        }

        func replay(_ arguments: String...) async throws -> Tool {
            try await Tool.run(
                ["replay", group, "--topic", topic, "--database", database, "--kafka", tidings.kafka] + arguments)
        }
    }

    private func withService(
        _ kind: DatabaseKind = .sqlite, _ body: @Sendable (Service) async throws -> Void
    ) async throws {
        try await withShell { tidings in
            try await withDatabase(kind) { store, location in
                let service = Service(tidings: tidings, store: store, database: location)
                try await service.prepare()
                try await body(service)
            }
        }
    }

    @Test(
        "it shows first what it would do, and does it when told to, on either database",
        arguments: DatabaseKind.allCases)
    func wholeWay(_ kind: DatabaseKind) async throws {
        try await withService(kind) { service in
            let dry = try await service.replay("--from", "1")
            #expect(dry.code == 0, "\(dry.errors)")
            #expect(dry.lines[0].hasPrefix("TOPIC"))
            #expect(dry.lines[1].contains("3 records again"))
            #expect(dry.lines.last == "This was a dry run; --execute does it.")
            #expect(try await service.offsets == [4, 4])

            let rows = try await service.replay("--from", "1", "--execute", "--json").objects
            #expect(rows.map { $0["handled"] as? Int } == [4, 4])
            #expect(rows.map { $0["target"] as? Int } == [1, 1])
            #expect(rows.map { $0["repeated"] as? Int } == [3, 3])
            #expect(rows.allSatisfy { $0["executed"] as? Bool == true })
            #expect(try await service.offsets == [1, 1])
            let group = try await service.tidings.json("groups", "describe", service.group)[0]
            #expect(group["lag"] as? Int == 8, "Kafka is told, for those who look there")
        }
    }

    @Test("while a member has the partitions it is refused, unless it is forced")
    func livingMember() async throws {
        try await withService { service in
            let member = try ChildProcess(
                Programs.tidings,
                ["consume", service.topic, "--group", service.group, "--follow", "--kafka", service.tidings.kafka])
            try await eventually("a member") { member.lines.count == 10 }
            let refused = try await service.replay("--from", "beginning", "--execute")
            #expect(refused.code == 2)
            #expect(refused.errors.contains("Nothing was set back") && refused.errors.contains("--force"))
            #expect(try await service.offsets == [4, 4])
            #expect(try await service.replay("--from", "beginning", "--execute", "--force").code == 0)
            #expect(try await service.offsets == [0, 0])
            member.signal(SIGINT)
            #expect(try await member.waitForExit() == 130)
        }
    }

    @Test("a name that is wrong is no new group, and a new group is none that has handled something")
    func newGroup() async throws {
        try await withService { service in
            let other = uniqueName("other")
            func replay(_ group: String, _ more: String...) async throws -> Tool {
                try await Tool.run(
                    [
                        "replay", group, "--topic", "\(service.topic):1", "--from", "-2", "--database",
                        service.database,
                        "--kafka", service.tidings.kafka, "--execute",
                    ] + more)
            }
            let wrong = try await replay(other)
            #expect(wrong.code == 2 && wrong.errors.contains("--new"))
            #expect(try await replay(service.group, "--new").code == 2)
            #expect(try await service.offsets == [4, 4])
            let new = try await replay(other, "--new")
            #expect(new.code == 0, "\(new.errors)")
            #expect(new.text.contains("2 records to handle"))
            let place = GroupPartition(group: other, topic: service.topic, partition: 1)
            #expect(try await offset(service.store, place) == 3)
        }
    }

    @Test("waiting ends when all that was there has been handled again")
    func waiting() async throws {
        try await withService { service in
            let waiter = try ChildProcess(
                Programs.tidings,
                [
                    "replay", service.group, "--topic", service.topic, "--database", service.database, "--kafka",
                    service.tidings.kafka, "--from", "2", "--execute", "--wait",
                ])
            try await eventually("the rewinding") { try await service.offsets == [2, 2] }
            try await service.handle(0, from: 2, to: 5)
            try await service.handle(1, from: 2, to: 5)
            #expect(try await waiter.waitForExit() == 0)
            #expect(waiter.lines.last == "6 records handled again")
        }
    }

    @Test(
        "wrong arguments are told",
        arguments: [["--from", "soon"], ["--from", "end", "--wait"], ["--from", "end", "--force"]])
    func wrongArguments(_ arguments: [String]) async throws {
        #expect(try await Tool.run(["replay", "g", "--topic", "t", "--database", "d"] + arguments).code == 64)
    }
}

private func move(_ store: some Store, _ place: GroupPartition, from: Int64?, to next: Int64) async throws {
    let hasMoved = try await store.transaction { try store.advance(place, from: from, to: next, in: $0) }
    try #require(hasMoved)
}

private func offset(_ store: some Store, _ place: GroupPartition) async throws -> Int64? {
    try await store.transaction { try store.offset(of: place, in: $0) }
}
