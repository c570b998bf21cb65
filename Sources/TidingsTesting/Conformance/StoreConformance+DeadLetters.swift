import Tidings

extension StoreConformance {
    static var deadLetterChecks: [Check] { letterListChecks + letterDecisionChecks }

    private static var place: GroupPartition { GroupPartition(group: "g", topic: "t", partition: 0) }

    private static var letterListChecks: [Check] {
        [
            Check("dead letters are listed in order, page by page, of one group or all, with or without those behind") {
                open in
                let store = try await open()
                try await store.park([(0, "a", 3), (1, "b", 1), (2, "a", 0), (4, "b", 0)], at: place)
                let other = GroupPartition(group: "h", topic: "t", partition: 0)
                try await store.park([(0, "a", 1)], at: other)
                var (pages, after): ([[Int64]], Int64) = ([], 0)
                while true {
                    let page = try await store.letters(.page(after: after, limit: 3, group: "g"))
                    guard let last = page.last else { break }
                    pages.append(page.map(\.record.offset))
                    after = last.number
                }
                try expectEqual(pages, [[0, 1, 2], [4]], "pages")
                let causes = try await store.letters(.causes(after: 0, limit: 9))
                try expectEqual(causes.map(\.record.offset), [0, 1, 0], "causes")
                try expectEqual(causes.map(\.record.place.group), ["g", "g", "h"], "their groups")
                try expectEqual(causes.map(\.isBehind), [false, false, false], "not behind")
                let key = try await store.letters(.key([0x61], of: place, limit: 9))
                try expectEqual(key.map(\.record.offset), [0, 2], "of a key")
                try expectEqual(key.map(\.isBehind), [false, true], "behind")
                try expectEqual(try await store.letters(.key([0x61], of: place, limit: 1)).count, 1, "the first")
                let counts = try await store.transaction { try store.deadLetterCounts(of: "g", in: $0) }
                try expectEqual(counts, [place: DeadLetterCount(causes: 2, retrying: 0)], "counts")
            },
            Check("a dead letter shows what it was, since when and why; parked again, it keeps its number") { open in
                let store = try await open()
                let before = Timestamp.now()
                var record = ParkedRecord(
                    place: place, offset: 7, timestamp: Timestamp(millisecondsSince1970: 1234), key: nil,
                    headers: [EventHeader("h", "v"), EventHeader("n", nil as [UInt8]?)], value: [0, 255],
                    reason: "poison", attempts: 3)
                try await store.transaction { [record] in try store.park(record, in: $0) }
                let letter = try await store.letters(.page(after: 0, limit: 1))[0]
                try expectEqual(letter.record, record, "record")
                try expect(!letter.isRetrying, "nobody wants it retried")
                let age = letter.parkedAt.since(before)
                try expect(age > .seconds(-60) && age < .seconds(60), "\(letter.parkedAt) is \(age) after \(before)")
                try expectEqual(try await store.letters(.letter(letter.number)), [letter], "by its number")
                try expectEqual(try await store.letters(.letter(letter.number + 1)), [], "by another")
                try await store.transaction { try store.setRetrying(true, letter.number, in: $0) }
                (record.attempts, record.reason) = (4, "still poison")
                try await store.transaction { [record] in try store.park(record, in: $0) }
                let again = try await store.letters(.page(after: 0, limit: 9))
                try expectEqual(again.map(\.record), [record], "parked again")
                try expectEqual(again.map(\.number), [letter.number], "its number")
                try expectEqual(again.map(\.isRetrying), [false], "to be retried")
            },
            Check("parked records are removed by their offsets, and only those of the partition and group") { open in
                let store = try await open()
                try await store.park([(0, "a", 1), (1, "b", 1), (2, "c", 1)], at: place)
                let other = GroupPartition(group: "g", topic: "t", partition: 1)
                try await store.park([(0, "a", 1)], at: other)
                var lane = place
                lane.lane = Lane(1, of: 3)
                let removed = try await store.transaction { [lane] in
                    try store.removeParked([0, 2, 5], of: lane, in: $0)
                }
                try expectEqual(removed, 2, "removed")
                let left = try await store.letters(.page(after: 0, limit: 9))
                try expectEqual(
                    left.map { [Int64($0.record.place.partition), $0.record.offset] }, [[0, 1], [1, 0]], "left")
            },
        ]
    }

    private static var letterDecisionChecks: [Check] {
        [
            Check("a dead letter to be retried is marked, and nothing else of its key") { open in
                let store = try await open()
                try await store.park([(3, "a", 1), (4, "b", 1), (5, "a", 0)], at: place)
                let numbers = try await store.letters(.page(after: 0, limit: 9)).map(\.number)
                let count = try await store.transaction { try store.retryDeadLetter(numbers[0], in: $0) }
                try expectEqual(count, 2, "of its key")
                let retrying = try await store.letters(.retrying(of: place, limit: 9))
                try expectEqual(retrying.map(\.record.offset), [3], "to be retried")
                let counts = try await store.transaction { try store.deadLetterCounts(of: "g", in: $0) }
                try expectEqual(counts, [place: DeadLetterCount(causes: 2, retrying: 1)], "counts")
                let elsewhere = GroupPartition(group: "g", topic: "t", partition: 1)
                try expectEqual(try await store.letters(.retrying(of: elsewhere, limit: 9)), [], "elsewhere")
                try await store.transaction { try store.setRetrying(false, numbers[0], in: $0) }
                try expectEqual(try await store.letters(.retrying(of: place, limit: 9)), [], "after all")
            },
            Check("a skipped dead letter leaves its trace, and the next of its key is to be tried") { open in
                let store = try await open()
                try await store.park([(3, "a", 1), (5, "a", 0), (6, "a", 0)], at: place)
                let letters = try await store.letters(.page(after: 0, limit: 9))
                let count = try await store.transaction {
                    try store.skipDeadLetter(letters[0].number, note: "void", in: $0)
                }
                try expectEqual(count, 3, "of its key")
                let retrying = try await store.letters(.retrying(of: place, limit: 9))
                try expectEqual(retrying.map(\.record.offset), [5], "to be retried")
                try expectEqual(
                    try await store.letters(.causes(after: 0, limit: 9)).map(\.record.offset), [5], "causes")
                let skipped = try await store.transaction { try store.skippedDeadLetters(after: 0, limit: 9, in: $0) }
                try expectEqual(skipped.map(\.letter), [letters[0]], "its trace")
                try expectEqual(skipped.map(\.note), ["void"], "its note")
                let more = try await store.transaction {
                    try store.skippedDeadLetters(after: letters[0].number, limit: 9, in: $0)
                }
                try expectEqual(more, [], "after it")
            },
            Check("only the first of a key that is parked can be retried or skipped, and only what is parked") { open in
                let store = try await open()
                try await store.park([(3, "a", 1), (5, "a", 0)], at: place)
                let behind = try await store.letters(.page(after: 0, limit: 9))[1].number
                for number in [behind, behind + 1] {
                    for isRetry in [true, false] {
                        do {
                            try await store.transaction { transaction in
                                _ =
                                    isRetry
                                    ? try store.retryDeadLetter(number, in: transaction)
                                    : try store.skipDeadLetter(number, note: "", in: transaction)
                            }
                            throw ConformanceFailure(description: "record \(number) was taken")
                        } catch let error as TidingsError { try expectEqual(error.code, .notParked, "the error") }
                    }
                }
                try expectEqual(try await store.letters(.page(after: 0, limit: 9)).count, 2, "parked")
            },
        ]
    }
}

extension Store {
    fileprivate func letters(_ selection: DeadLetterSelection) async throws -> [DeadLetter] {
        try await transaction { try self.deadLetters(selection, in: $0) }
    }

    /// Parks a record for each (offset, key, attempts).
    fileprivate func park(_ records: [(Int64, String, Int)], at place: GroupPartition) async throws {
        try await transaction { transaction in
            for (offset, key, attempts) in records {
                let record = ParkedRecord(
                    place: place, offset: offset, timestamp: nil, key: Array(key.utf8), headers: [], value: nil,
                    reason: "poison", attempts: attempts)
                try self.park(record, in: transaction)
            }
        }
    }
}
