import Tidings

extension StoreConformance {
    static var parkedChecks: [Check] { lookingChecks + decidingChecks + keepingChecks }

    private static var lookingChecks: [Check] {
        [
            Check("parked events are listed in order, page by page, with or without those behind") { open in
                let store = try await open()
                try await store.append((0..<7).map { .test("\($0)", key: $0.isMultiple(of: 2) ? "even" : "odd") })
                try await store.park(["0", "1"], behind: ["2", "3", "4", "5", "6"])
                var (pages, after): ([[EventID]], Int64) = ([], 0)
                while true {
                    let page = try await store.parked(.page(after: after, limit: 3))
                    guard let last = page.last else { break }
                    pages.append(page.map(\.record.eventID))
                    after = last.sequence
                }
                try expectEqual(pages, [["0", "1", "2"], ["3", "4", "5"], ["6"]], "pages")
                let causes = try await store.parked(.causes(after: 0, limit: 9))
                try expectEqual(causes.map(\.record.eventID), ["0", "1"], "without those behind")
                try expectEqual(
                    try await store.parked(.key(Array("odd".utf8), topic: "test")).map(\.record.eventID),
                    ["1", "3", "5"], "of a key")
                try expectEqual(try await store.parked(.page(after: 0, limit: 0)), [], "none")
            },
            Check("a parked event shows what it was, since when and why") { open in
                let store = try await open()
                let before = Timestamp.now()
                try await store.append([.test("bad", key: nil)])
                try await store.park(["bad"])
                let event = try await store.parked(.page(after: 0, limit: 1))[0]
                try expectEqual(event.record, .test("bad", key: nil), "record")
                try expectEqual(event.reason, "refused", "reason")
                try expect(!event.isBehind, "it is behind nothing")
                for time in [event.appendedAt, event.parkedAt] {
                    let age = time.since(before)
                    try expect(age > .seconds(-60) && age < .seconds(60), "\(time) is \(age) after \(before)")
                }
                try expectEqual(try await store.parked(.event(event.sequence)), [event], "by its number")
                try expectEqual(try await store.parked(.event(event.sequence + 1)), [], "by another")
            },
        ]
    }

    private static var decidingChecks: [Check] {
        [
            Check("a retried event goes first, then what was parked behind it, then what waited") { open in
                let store = try await open()
                try await store.append([.test("bad"), .test("behind"), .test("other", key: "l")])
                let first = try await store.park(["bad"], behind: ["behind"])
                try await store.append([.test("waits"), .test("elsewhere", topic: "u")])
                try expectEqual(
                    try await store.transaction { try store.retryParked(first, in: $0) }, 2, "events that are unparked")
                try await store.append([.test("late")])
                try expectEqual(
                    try await store.claimed(key: "k", topic: "test"), ["bad", "behind", "waits", "late"], "order")
                let status = try await store.status()
                try expectEqual([status.parked, status.pending], [0, 6], "parked and waiting")
            },
            Check("a skipped event never goes, leaves its trace, and lets those behind it go") { open in
                let store = try await open()
                try await store.append([.test("bad"), .test("behind")])
                let first = try await store.park(["bad"], behind: ["behind"])
                try await store.append([.test("waits")])
                let event = try await store.parked(.event(first))[0]
                try expectEqual(
                    try await store.transaction { try store.skipParked(first, note: "void", in: $0) }, 2, "unparked")
                try expectEqual(try await store.claimed(key: "k", topic: "test"), ["behind", "waits"], "order")
                let skipped = try await store.transaction { try store.skippedEvents(after: 0, limit: 9, in: $0) }
                try expectEqual(skipped.map(\.event), [event], "its trace")
                try expectEqual(skipped.map(\.note), ["void"], "its note")
                let more = try await store.transaction { try store.skippedEvents(after: first, limit: 9, in: $0) }
                try expectEqual(more, [], "after it")
            },
            Check("only the first of a key that is parked can be retried or skipped, and only what is parked") { open in
                let store = try await open()
                try await store.append([.test("bad"), .test("behind")])
                let first = try await store.park(["bad"], behind: ["behind"])
                let behind = try await store.parked(.page(after: first, limit: 1))[0].sequence
                for sequence in [behind, behind + 1] {
                    for isRetry in [true, false] {
                        do {
                            try await store.transaction { transaction in
                                _ =
                                    isRetry
                                    ? try store.retryParked(sequence, in: transaction)
                                    : try store.skipParked(sequence, note: "", in: transaction)
                            }
                            throw ConformanceFailure(description: "event \(sequence) was taken")
                        } catch let error as TidingsError { try expectEqual(error.code, .notParked, "the error") }
                    }
                }
                try expectEqual(try await store.status().parked, 2, "parked")
            },
            Check("what a relay has in hand is not parked behind an event that is retried or skipped meanwhile") {
                open in
                for isRetry in [true, false] {
                    let (store, other) = (try await open(), try await open())
                    try await store.append([.test("bad")])
                    let first = try await store.park(["bad"])
                    try await store.append([.test("in hand")])
                    let claimed = try await store.claim()
                    try expectEqual(claimed.map(\.isBehindParked), [true], "behind")
                    try await other.transaction { transaction in
                        _ =
                            isRetry
                            ? try other.retryParked(first, in: transaction)
                            : try other.skipParked(first, note: "void", in: transaction)
                    }
                    try await store.settle(
                        claimed, sent: [], parked: claimed.map { OutboxParking(entry: $0, reason: "", isBehind: true) })
                    try expectEqual(try await store.status().parked, 0, "parked")
                    let left = try await store.claimed(key: "k", topic: "test")
                    try expectEqual(left, isRetry ? ["bad", "in hand"] : ["in hand"], "left")
                    try await store.settle(try await store.claim())
                }
            },
            Check("a retry that is rolled back has changed nothing") { open in
                let store = try await open()
                try await store.append([.test("bad"), .test("behind")])
                let first = try await store.park(["bad"], behind: ["behind"])
                let before = try await store.parked(.page(after: 0, limit: 9))
                try? await store.transaction { transaction in
                    try store.retryParked(first, in: transaction)
                    throw RollBack()
                }
                try expectEqual(try await store.parked(.page(after: 0, limit: 9)), before, "parked")
                try expectEqual(try await store.status().pending, 0, "waiting")
            },
        ]
    }

    private static var keepingChecks: [Check] {
        [
            Check("what is sent is kept if the settlement says so, and removed some at a time") { open in
                let store = try await open()
                try await store.append((0..<9).map { .test("\($0)") })
                let claimed = try await store.claim(7)
                var settlement = OutboxSettlement(batches: Array(Set(claimed.map(\.batch))), sent: claimed)
                settlement.keepsSent = true
                for _ in 0..<2 { try await store.transaction { [settlement] in try store.settle(settlement, in: $0) } }
                try await store.settle(try await store.claim())
                let (past, future) = (
                    Timestamp.now().advanced(by: .seconds(-60)), Timestamp.now().advanced(by: .seconds(60))
                )
                var removed: [Int] = []
                for time in [past, future, future, future] {
                    removed.append(
                        try await store.transaction { try store.removeSent(before: time, limit: 5, in: $0) })
                }
                try expectEqual(removed, [0, 5, 2, 0], "removed")
            }
        ]
    }
}

extension Store {
    fileprivate func parked(_ selection: ParkedSelection) async throws -> [ParkedEvent] {
        try await transaction { try self.parkedEvents(selection, in: $0) }
    }

    /// Claims what waits, parks these, and leaves the rest in the outbox; returns the first number that is parked.
    @discardableResult
    fileprivate func park(_ ids: Set<EventID>, behind: Set<EventID> = []) async throws -> Int64 {
        let claimed = try await claim()
        let parked = claimed.compactMap { entry -> OutboxParking? in
            let id = entry.record.eventID
            guard ids.contains(id) || behind.contains(id) else { return nil }
            return OutboxParking(entry: entry, reason: "refused", isBehind: behind.contains(id))
        }
        try await settle(claimed, sent: [], parked: parked)
        return parked.map(\.entry.sequence).min() ?? 0
    }

    /// Claims what waits, and puts it back; the ids of one key.
    fileprivate func claimed(key: String, topic: String) async throws -> [EventID] {
        let claimed = try await claim()
        try await settle(claimed, sent: [])
        return claimed.map(\.record).filter { $0.key == Array(key.utf8) && $0.topic == topic }.map(\.eventID)
    }
}
