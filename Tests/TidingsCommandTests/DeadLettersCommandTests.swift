import Testing
import Tidings

@Suite("tidings deadletters", .timeLimit(.minutes(3)))
struct DeadLettersCommandTests {
    @Test("list, show, retry and skip on either database", arguments: DatabaseKind.allCases)
    func wholeWay(_ kind: DatabaseKind) async throws {
        try await withDatabase(kind) { store, location in
            try await check(store, location)
        }
    }

    private func check(_ store: some Store, _ location: String) async throws {
        try await store.park([(3, "a", 5), (4, "b", 1), (6, "a", 0), (7, "b", 0)], group: "invoicing")
        try await store.park([(3, "a", 1)], group: "shipping")

        let list = try await objects("deadletters", "list", "--database", location, "--json")
        #expect(list.map { $0["offset"] as? Int } == [3, 4, 3])
        #expect(list.map { $0["group"] as? String } == ["invoicing", "invoicing", "shipping"])
        #expect(list.map { $0["attempts"] as? Int } == [5, 1, 1])
        #expect(list.allSatisfy { $0["value"] == nil })
        let all = try await objects(
            "deadletters", "list", "--database", location, "--json", "--behind", "--group", "invoicing", "--limit", "3")
        #expect(all.map { $0["isBehind"] as? Bool } == [false, false, true])
        let numbers = list.compactMap { $0["number"] as? Int }

        let show = try await objects("deadletters", "show", "--database", location, "\(numbers[0])", "--json")
        #expect((show[0]["key"] as? [String: String]) == ["text": "a"])
        #expect((show[0]["value"] as? [String: String]) == ["base64": "AP8="])
        #expect(show[0]["event"] as? String == "e3" && show[0]["reason"] as? String == "poison")
        #expect(show[0]["parkedBehindIt"] as? Int == 1)

        let retry = try await tidings("deadletters", "retry", "--database", location, "\(numbers[0])")
        #expect(retry.code == 0)
        #expect(retry.lines == ["record \(numbers[0]) is to be retried, and then 1 from behind it"])
        let marked = try await store.letters(.retrying(of: store.place("invoicing"), limit: 9))
        #expect(marked.map(\.record.offset) == [3])
        let behind = try #require(all.last?["number"] as? Int)
        let refused = try await tidings("deadletters", "retry", "--database", location, "\(behind)")
        #expect(refused.code == 2)
        #expect(refused.lines[0].contains("is parked behind \(numbers[0])"))

        let skip = try await tidings(
            "deadletters", "skip", "--database", location, "\(numbers[1])", "--note", "void")
        #expect(skip.lines == ["record \(numbers[1]) is given up, and then 1 from behind it"])
        let skipped = try await objects("deadletters", "list", "--database", location, "--skipped", "--json")
        #expect(skipped.map { $0["note"] as? String } == ["void"])
        let rest = try await tidings("deadletters", "retry", "--database", location, "--all", "--group", "shipping")
        #expect(rest.lines == ["record \(numbers[2]) is to be retried"])
        let text = try await tidings("deadletters", "list", "--database", location)
        #expect(text.lines[0].hasPrefix("NUMBER  PARKED"))
        #expect(text.lines.count == 4 && text.lines[1...].allSatisfy { $0.contains("to be retried; ") })
    }

    @Test("nothing parked is said, and what is not there is told with exit code 2")
    func nothing() async throws {
        try await withDatabase(.sqlite) { _, location in
            #expect(try await tidings("deadletters", "list", "--database", location).lines == ["nothing is parked"])
            let retry = try await tidings("deadletters", "retry", "--database", location, "--all")
            #expect(retry.lines == ["nothing is parked"])
            let show = try await tidings("deadletters", "show", "--database", location, "7")
            #expect(show.code == 2 && show.lines == ["tidings: no record with the number 7 is parked"])
        }
    }

    @Test(
        "wrong arguments are told with exit code 64",
        arguments: [["retry"], ["retry", "1", "--group", "g"], ["list", "--limit", "0"], ["skip", "1"]])
    func wrongArguments(_ arguments: [String]) async throws {
        let result = try await tidings(["deadletters", arguments[0], "--database", "x"] + arguments.dropFirst())
        #expect(result.code == 64)
    }

    @Test("help shows examples and exit codes")
    func help() async throws {
        let help = try await tidings("deadletters", "--help")
        #expect(help.code == 0)
        for word in ["tidings deadletters retry", "EXIT CODES", "parked behind it"] {
            #expect(help.lines.joined(separator: " ").contains(word))
        }
    }
}

extension Store {
    fileprivate func place(_ group: String) -> GroupPartition {
        GroupPartition(group: group, topic: "order", partition: 1)
    }

    fileprivate func letters(_ selection: DeadLetterSelection) async throws -> [DeadLetter] {
        try await transaction { try self.deadLetters(selection, in: $0) }
    }

    /// Parks a record for each (offset, key, attempts), as a subscription would.
    fileprivate func park(_ records: [(Int64, String, Int)], group: String) async throws {
        try await transaction { transaction in
            for (offset, key, attempts) in records {
                let record = ParkedRecord(
                    place: self.place(group), offset: offset, timestamp: nil, key: Array(key.utf8),
                    headers: [EventHeader("ce_id", "e\(offset)")], value: [0, 255], reason: "poison",
                    attempts: attempts)
                try self.park(record, in: transaction)
            }
        }
    }
}
