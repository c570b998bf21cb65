import Tidings

extension StoreConformance {
    static var outboxChecks: [Check] {
        [
            Check("an event is in the outbox if and only if its transaction commits") { open in
                let store = try await open()
                try await store.append([.test("kept")])
                try? await store.transaction { transaction in
                    try store.append(.test("rolled back"), in: transaction)
                    throw RollBack()
                }
                try expectEqual(try await store.claim().map(\.record.eventID), ["kept"], "claimed")
            },
            Check("a transaction rethrows its body's own error") { open in
                let store = try await open()
                do {
                    try await store.transaction { _ in throw RollBack() }
                    throw ConformanceFailure(description: "the error was swallowed")
                } catch is RollBack {}
            },
            Check("a record comes back as it was, whatever is null, empty or binary in it") { open in
                let store = try await open()
                let records = unusualRecords
                try await store.append(records)
                let claimed = try await store.claim().sorted { $0.sequence < $1.sequence }
                try expectEqual(claimed.map(\.record), records, "records")
            },
            Check("events are claimed in the order of their commits") { open in
                let store = try await open()
                for number in 0..<60 { try await store.append([.test("\(number)", key: "\(number % 3)")]) }
                let claimed = try await store.claim()
                for key in 0..<3 {
                    try expectEqual(
                        claimed.filter { $0.record.key == Array("\(key)".utf8) }.map(\.record.eventID),
                        (0..<20).map { EventID("\($0 * 3 + key)") }, "order of key \(key)")
                }
            },
            Check("events of one transaction keep the order in which they were appended") { open in
                let store = try await open()
                try await store.append((0..<100).map { .test("\($0)") })
                try expectEqual(
                    try await store.claim().map(\.record.eventID), (0..<100).map { EventID("\($0)") }, "order")
            },
            Check("writers at the same time keep the order of each key") { open in
                let store = try await open()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<8 {
                        group.addTask {
                            for number in 0..<25 {
                                try await store.append([.test("\(writer)-\(number)", key: "\(writer)")])
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let claimed = try await store.claim().map(\.record.eventID.rawValue)
                for writer in 0..<8 {
                    let own = claimed.filter { $0.hasPrefix("\(writer)-") }
                    try expectEqual(own, (0..<25).map { "\(writer)-\($0)" }, "order of key \(writer)")
                }
            },
            Check("the signal is raised after a commit that appended") { open in
                let store = try await open()
                async let raised: Void = store.outboxSignal.wait()
                try await store.append([.test("a")])
                await raised
            },
        ]
    }

    private static var unusualRecords: [EventRecord] {
        let allBytes = [UInt8](0...255)
        return [
            EventRecord(eventID: "null", topic: "t", key: nil, headers: [], value: nil),
            EventRecord(eventID: "empty", topic: "t", key: [], headers: [EventHeader("", [])], value: []),
            EventRecord(
                eventID: "binary", topic: "t", key: allBytes,
                headers: [
                    EventHeader("twice", allBytes), EventHeader("twice", nil as [UInt8]?),
                    EventHeader("ümlaut", "é"),
                ],
                value: allBytes + allBytes),
            EventRecord(eventID: "it's; DROP TABLE x--", topic: "t", key: nil, headers: [], value: [0]),
        ]
    }

    static var relayChecks: [Check] {
        [
            Check("a batch that is not settled comes again as it was, with its stamps, after a crash too") { open in
                let first = try await open()
                try await first.append((0..<10).map { .test("\($0)", key: "\($0 % 4)") })
                let claimed = try await first.claim(8)
                try expectEqual(Set(claimed.map(\.stamp)).count, claimed.count, "stamps")
                try await first.append([.test("late", key: "1")])
                let second = try await open()
                try expectEqual(try await second.claim(), claimed, "claimed again")
            },
            Check("what may be out keeps its stamp, and what is not gets another in a later batch") { open in
                let store = try await open()
                try await store.append((0..<6).map { .test("\($0)") })
                let claimed = try await store.claim(5)
                try await store.settle(claimed, sent: [claimed[0], claimed[2]], kept: [claimed[1], claimed[4]])
                let again = try await store.claim()
                try expectEqual(again, [claimed[1], claimed[4]], "open")
                try await store.settle(again)
                let next = try await store.claim()
                try expectEqual(next.map(\.record.eventID), ["3", "5"], "next")
                try expectEqual(next.map(\.stamp.index), [0, 1], "its places")
                try expect(next[0].stamp > claimed[4].stamp, "\(next[0].stamp) is not above \(claimed[4].stamp)")
                try await store.settle(next, kept: [])
                try expectEqual(try await store.claim().count, 0, "left")
            },
            Check("what is claimed behind a batch follows it, and both come again in their order after a crash") {
                open in
                let store = try await open()
                try await store.append((0..<9).map { .test("\($0)") })
                let first = try await store.claim(3)
                let second = try await store.claim(4, behind: first)
                try expectEqual(second.map(\.record.eventID), ["3", "4", "5", "6"], "behind")
                try expect(second[0].stamp > first[2].stamp, "\(second[0].stamp) is not above \(first[2].stamp)")
                let other = try await open()
                for batch in [first, second] {
                    let again = try await other.claim()
                    try expectEqual(again.map(\.record), batch.map(\.record), "again")
                    try expectEqual(again.map(\.stamp), batch.map(\.stamp), "its stamps")
                    try await other.settle(again)
                }
                try expectEqual(try await other.claim().map(\.record.eventID), ["7", "8"], "left")
            },
            Check("what was claimed behind a batch is given back together with what has become of that one") { open in
                let store = try await open()
                try await store.append((0..<6).map { .test("\($0)") })
                let first = try await store.claim(2)
                let second = try await store.claim(2, behind: first)
                try await store.settle(first + second, sent: [first[0]], kept: [first[1]])
                let again = try await store.claim()
                try expectEqual(again.map(\.stamp), [first[1].stamp], "open")
                try await store.settle(again)
                let next = try await store.claim()
                try expectEqual(next.map(\.record.eventID), ["2", "3", "4", "5"], "next")
                try expect(next[0].stamp > second[1].stamp, "\(next[0].stamp) is not above \(second[1].stamp)")
            },
            Check("a batch that is open behind one with a parked event knows what stands behind that") { open in
                let store = try await open()
                try await store.append([
                    .test("bad"), .test("behind"), .test("free", key: "l"), .test("free too", key: "l"),
                ])
                let first = try await store.claim(1)
                let second = try await store.claim(9, behind: first)
                let (bad, rest) = (
                    first.filter { $0.record.eventID == "bad" }, first.filter { $0.record.eventID != "bad" }
                )
                try await store.settle(
                    first, sent: rest, parked: bad.map { OutboxParking(entry: $0, reason: "too large") })
                let again = try await open().claim().sorted { $0.sequence < $1.sequence }
                try expectEqual(again.map(\.stamp).sorted(), second.map(\.stamp).sorted(), "stamps")
                for entry in again {
                    try expectEqual(entry.isBehindParked, entry.record.eventID == "behind", "\(entry.record.eventID)")
                }
            },
            Check("a claim that is rolled back has stamped nothing") { open in
                let store = try await open()
                try await store.append([.test("a")])
                try? await store.transaction { transaction in
                    let shards = try store.outboxShards(in: transaction)
                    let batches = shards.map { OutboxBatch(shard: $0.number, number: 7) }
                    _ = try store.claim(
                        ClaimRequest(batches: batches, maximumCount: 9, maximumBytes: 999), in: transaction)
                    throw RollBack()
                }
                let open = try await store.transaction { transaction in
                    try store.openBatches(of: store.outboxShards(in: transaction).map(\.number), in: transaction)
                }
                try expectEqual(open, [], "open")
                try expectEqual(try await store.claim().count, 1, "waiting")
            },
            Check("the outbox has an identity, the same for everybody") { open in
                let (first, second) = (try await open(), try await open())
                let id = try await first.transaction { try first.outboxIdentity(in: $0) }
                try expect(!id.isEmpty && !id.contains("/"), "“\(id)” does not fit into a stamp")
                try expectEqual(try await second.transaction { try second.outboxIdentity(in: $0) }, id, "the other's")
                try await first.append([.test("a")])
                try expectEqual(try await second.claim().first?.stamp.source.outbox, id, "in stamps")
            },
            Check("only what is sent is gone") { open in
                let store = try await open()
                try await store.append((0..<10).map { .test("\($0)") })
                let claimed = try await store.claim()
                try await store.settle(claimed, sent: [claimed[0], claimed[1], claimed[4], claimed[9]])
                try expectEqual(
                    try await store.claim().map(\.record.eventID), ["2", "3", "5", "6", "7", "8"], "left")
                try await store.settle([])
                try await store.settle(try await store.claim(), sent: claimed)
                try expectEqual(try await store.claim().count, 0, "left")
            },
            Check("a claim keeps to its limits but always takes one") { open in
                let store = try await open()
                try await store.append((0..<10).map { .test("\($0)", size: 1000) })
                for (count, bytes, expected) in [(3, Int.max, 3), (10, 3500, 3), (10, 1, 1)] {
                    let claimed = try await store.claim(count, bytes: bytes)
                    try expectEqual(claimed.count, expected, "of at most \(count), \(bytes) bytes")
                    try await store.settle(claimed, sent: [])
                }
            },
            Check("a parked event holds back later events of its topic and key and nothing else") { open in
                let store = try await open()
                try await store.append([.test("bad"), .test("before")])
                let first = try await store.claim()
                let parking = OutboxParking(entry: first[0], reason: "too large")
                for _ in 0..<2 { try await store.settle(first, sent: [], parked: [parking]) }
                try await store.append([
                    .test("behind"), .test("other key", key: "l"), .test("other topic", topic: "other"),
                    .test("no key", key: nil),
                ])
                let claimed = try await store.claim().sorted { $0.sequence < $1.sequence }
                try expectEqual(
                    claimed.map { "\($0.record.eventID) \($0.isBehindParked)" },
                    ["before true", "behind true", "other key false", "other topic false", "no key false"], "claimed")
                try expectEqual(try await store.status().parked, 1, "parked")
            },
            Check("the status counts and knows the oldest that waits") { open in
                let store = try await open()
                try expectEqual(
                    try await store.status(), OutboxStatus(pending: 0, parked: 0, oldestPending: nil), "empty")
                let before = Timestamp.now()
                try await store.append([.test("a"), .test("b")])
                let status = try await store.status()
                try expectEqual(status.pending, 2, "pending")
                let age = status.oldestPending?.since(before) ?? .seconds(999)
                try expect(age > .seconds(-60) && age < .seconds(60), "the oldest is \(age) old")
            },
            Check("a backlog of 20,000 drains completely and in order") { open in
                let store = try await open()
                for part in 0..<20 { try await store.append((0..<1000).map { .test("\(part * 1000 + $0)") }) }
                var drained = 0
                while true {
                    let claimed = try await store.claim(1500)
                    if claimed.isEmpty { break }
                    for entry in claimed {
                        try expectEqual(entry.record.eventID.rawValue, "\(drained)", "order")
                        drained += 1
                    }
                    try await store.settle(claimed)
                }
                try expectEqual(drained, 20_000, "drained")
            },
        ]
    }
}
