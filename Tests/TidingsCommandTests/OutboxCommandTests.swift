import Foundation
import Processes
import Testing
import Tidings

@Suite("tidings outbox", .timeLimit(.minutes(3)))
struct OutboxCommandTests {
    @Test("status, list, show, retry and skip on either database", arguments: DatabaseKind.allCases)
    func wholeWay(_ kind: DatabaseKind) async throws {
        try await withDatabase(kind) { store, location in
            try await check(store, location)
        }
    }

    private func check(_ store: some Store, _ location: String) async throws {
        try await store.append([("1", "a"), ("2", "a"), ("3", "b"), ("4", "c")])
        try await store.parkAll(except: ["4"], causes: ["1", "3"])

        let status = try await tidings("outbox", "status", "--database", location)
        #expect(status.code == 0)
        #expect(status.lines[0].hasPrefix("waiting  1, the oldest for "))
        #expect(status.lines[1] == "parked   3; see 'tidings outbox list'")
        #expect(
            status.lines.contains(
                "relay    none is running: what waits goes when the service, or its relay, is started"))

        let list = try await objects("outbox", "list", "--database", location, "--json")
        #expect(list.map { $0["event"] as? String } == ["1", "3"])
        #expect(list.map { $0["reason"] as? String } == ["too large", "too large"])
        #expect(list.allSatisfy { $0["value"] == nil })
        let page = try await objects("outbox", "list", "--database", location, "--json", "--behind", "--limit", "2")
        let last = try #require(page.last?["number"] as? Int)
        let next = try await objects(
            "outbox", "list", "--database", location, "--json", "--behind", "--after", "\(last)")
        #expect(Set((page + next).compactMap { $0["event"] as? String }) == ["1", "2", "3"])

        let numbers = list.compactMap { $0["number"] as? Int }
        let show = try await objects("outbox", "show", "--database", location, "\(numbers[0])", "--json")
        #expect((show[0]["key"] as? [String: String]) == ["text": "a"])
        #expect((show[0]["value"] as? [String: String]) == ["base64": "AP8="])
        #expect(show[0]["parkedBehindIt"] as? Int == 1)

        let retry = try await tidings("outbox", "retry", "--database", location, "\(numbers[0])")
        #expect(retry.code == 0)
        #expect(retry.lines == ["event \(numbers[0]) goes again, and 1 from behind it goes again"])
        let again = try await tidings("outbox", "retry", "--database", location, "\(numbers[0])")
        #expect(again.code == 2)
        #expect(again.lines == ["tidings: no event with the number \(numbers[0]) is parked"])

        let skip = try await tidings("outbox", "skip", "--database", location, "\(numbers[1])", "--note", "void")
        #expect(skip.lines == ["event \(numbers[1]) is given up"])
        let skipped = try await objects("outbox", "list", "--database", location, "--skipped", "--json")
        #expect(skipped.map { $0["note"] as? String } == ["void"])
        let left = try await tidings("outbox", "list", "--database", location)
        #expect(left.lines == ["nothing is parked"])
        let counts = try await objects("outbox", "status", "--database", location, "--json")
        #expect(counts[0]["waiting"] as? Int == 3)
        #expect(counts[0]["parked"] as? Int == 0)
    }

    @Test("where nothing waits, it is no alarm that nobody relays")
    func idle() async throws {
        try await withDatabase(.sqlite) { _, location in
            let status = try await tidings("outbox", "status", "--database", location)
            #expect(status.lines == ["waiting  0", "parked   0", "relay    none is running; nothing waits for one"])
        }
    }

    @Test("retry --all lets everything go again")
    func retryAll() async throws {
        try await withDatabase(.sqlite) { store, location in
            try await store.append((0..<250).map { ("\($0)", "key \($0)") })
            try await store.parkAll(except: [], causes: Set((0..<250).map { EventID("\($0)") }))
            let retry = try await tidings("outbox", "retry", "--database", location, "--all")
            #expect(retry.code == 0 && retry.lines.count == 250)
            let counts = try await objects("outbox", "status", "--database", location, "--json")
            #expect(counts[0]["waiting"] as? Int == 250)
            #expect(counts[0]["parked"] as? Int == 0)
        }
    }

    @Test("a wrong database is told, and nothing is made or changed in its place")
    func wrongDatabase() async throws {
        try await withTemporaryFolder { folder in
            let missing = try await tidings("outbox", "status", "--database", folder + "/none.sqlite")
            #expect(missing.code == 1)
            #expect(missing.lines == ["tidings: \(folder)/none.sqlite: No such file or directory"])
            #expect(!FileManager.default.fileExists(atPath: folder + "/none.sqlite"))

            let text = folder + "/notes.txt"
            try String(repeating: "not a database", count: 100).write(toFile: text, atomically: true, encoding: .utf8)
            let wrong = try await tidings("outbox", "status", "--database", text)
            #expect(wrong.code == 1)
            #expect(wrong.lines[0].contains("\(text) cannot be read as an SQLite database"))

            #expect(FileManager.default.createFile(atPath: folder + "/empty.sqlite", contents: nil))
            let empty = try await tidings("outbox", "status", "--database", folder + "/empty.sqlite")
            #expect(empty.code == 1)
            #expect(empty.lines[0].contains("none of Tidings' tables"))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["empty.sqlite", "notes.txt"])

            let away = try await tidings("outbox", "status", "--database", "postgres://nobody@/x?host=\(folder)")
            #expect(away.code == 1)
            #expect(away.lines[0].contains("connection"))
        }
    }

    @Test(
        "wrong arguments are told with exit code 64", arguments: [["retry"], ["list", "--limit", "0"], ["skip", "1"]])
    func wrongArguments(_ arguments: [String]) async throws {
        let result = try await tidings(["outbox", arguments[0], "--database", "x"] + arguments.dropFirst())
        #expect(result.code == 64)
    }

    @Test("help shows examples and exit codes")
    func help() async throws {
        let help = try await tidings("outbox", "--help")
        #expect(help.code == 0)
        for word in ["tidings outbox retry", "EXIT CODES", "parked behind it"] {
            #expect(help.lines.joined(separator: "\n").contains(word))
        }
    }
}

extension Store {
    fileprivate func append(_ events: [(id: String, key: String)]) async throws {
        try await transaction { transaction in
            for event in events {
                let record = EventRecord(
                    eventID: EventID(event.id), topic: "order", key: Array(event.key.utf8), headers: [],
                    value: [0, 255])
                try self.append(record, in: transaction)
            }
        }
    }

    /// Parks what waits, as a relay would; what is not a cause stands behind one.
    fileprivate func parkAll(except kept: Set<EventID>, causes: Set<EventID>) async throws {
        try await transaction { transaction in
            let shards = try self.assign(
                self.outboxShards(in: transaction).map(\.number), to: nil, in: transaction)
            let batches = shards.map { OutboxBatch(shard: $0.number, number: $0.epoch << 32) }
            let claimed = try self.claim(
                ClaimRequest(batches: batches, maximumCount: 1000, maximumBytes: .max), in: transaction)
            let parked = claimed.filter { !kept.contains($0.record.eventID) }.map { entry in
                OutboxParking(
                    entry: entry, reason: "too large", isBehind: !causes.contains(entry.record.eventID))
            }
            try self.settle(OutboxSettlement(batches: batches, parked: parked), in: transaction)
        }
    }
}
