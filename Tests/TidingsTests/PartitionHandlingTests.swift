import Logging
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite(.timeLimit(.minutes(1))) struct PartitionHandlingTests {
    private struct Passing: RetriableError { var isRetriable: Bool { true } }
    private struct Poison: Error {}

    private let store = InMemoryStore()
    private let place = GroupPartition(group: "g", topic: "order", partition: 0)
    private let handlers = HandlerTable<InMemoryStore.Transaction>()

    private func handling(
        probe: (any Probe)? = nil, configure: (inout SubscriptionConfiguration) -> Void = { _ in }
    ) -> PartitionHandling<InMemoryStore> {
        var configuration = SubscriptionConfiguration()
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(2))
        configure(&configuration)
        return PartitionHandling(
            store: store, handlers: handlers, configuration: configuration, clock: ContinuousClock(), probe: probe,
            logger: .silent, metrics: SubscriptionMetrics(group: "g"))
    }

    /// A handler that counts in the database how often it had an effect for each event.
    private func count(_ before: @escaping @Sendable (Placed, Delivery) throws -> Void = { _, _ in }) {
        handlers.add(Placed.self) { delivery, codecs in
            let event = try codecs.decode(Placed.self, from: delivery)
            return { transaction in
                try before(event, delivery)
                let id = delivery.eventID?.rawValue ?? ""
                transaction.rows[id] = "\((Int(transaction.rows[id] ?? "") ?? 0) + 1)"
            }
        }
    }

    private func deliveries(_ offsets: [Int64], key: @escaping (Int64) -> String = { "k\($0 % 3)" }) throws
        -> [Delivery]
    {
        try offsets.map { offset in
            let record = try EventRecord(
                Placed(orderID: key(offset), total: Int(offset)), id: EventID("e\(offset)"), topic: Topic("order"),
                source: "/test")
            return Delivery(
                topic: "order", partition: 0, offset: offset, key: record.key, value: record.value,
                headers: record.headers)
        }
    }

    private func at(_ offset: Int64?) -> LaneState { LaneState(.only, offset: offset) }

    private func stored() async throws -> Int64? {
        try await store.transaction { [store, place] in try store.offset(of: place, in: $0) }
    }

    @Test("records are handled in order, several in one transaction, and the offset moves behind the last")
    func handles() async throws {
        let steps = Steps()
        count()
        let progress = try await handling(probe: steps).handle(deliveries([3, 4, 5, 9]), of: place, from: at(nil))
        #expect(progress == .handled(at(10)))
        #expect(try await stored() == 10)
        #expect(store.rows == ["e3": "1", "e4": "1", "e5": "1", "e9": "1"])
        #expect(steps.points == [.received, .handlingStarts, .handled, .handlingCommitted])
    }

    @Test("a redelivery has no second effect")
    func redelivery() async throws {
        count()
        let handling = handling()
        _ = try await handling.handle(deliveries([0, 1, 2]), of: place, from: at(nil))
        let progress = try await handling.handle(deliveries([0, 1, 2, 3]), of: place, from: at(3))
        #expect(progress == .handled(at(4)))
        #expect(store.rows == ["e0": "1", "e1": "1", "e2": "1", "e3": "1"])
    }

    @Test("a zombie, whose partition another instance has moved on with, has no effect")
    func zombie() async throws {
        count()
        _ = try await handling().handle(deliveries([0, 1, 2, 3]), of: place, from: at(nil))
        // The zombie still believes in offset 1, or in none.
        #expect(try await handling().handle(deliveries([1, 2]), of: place, from: at(1)) == .handled(at(4)))
        #expect(try await handling().handle(deliveries([0, 1]), of: place, from: at(nil)) == .handled(at(4)))
        #expect(store.rows == ["e0": "1", "e1": "1", "e2": "1", "e3": "1"])
        // What it has beyond that is new to everybody.
        #expect(try await handling().handle(deliveries([2, 3, 4]), of: place, from: at(2)) == .handled(at(5)))
        #expect(store.rows["e4"] == "1")
    }

    @Test("an offset that was set back is followed back")
    func setBack() async throws {
        count()
        _ = try await handling().handle(deliveries([0, 1, 2]), of: place, from: at(nil))
        _ = try await store.transaction { [store, place] in try store.advance(place, from: 3, to: 1, in: $0) }
        #expect(try await handling().handle(deliveries([3]), of: place, from: at(3)) == .goBack(at(1)))
        #expect(store.rows["e3"] == nil)
    }

    @Test("a zombie's verdict on a record does not fall on the next one, when another instance parked it meanwhile")
    func zombieVerdict() async throws {
        let (store, place) = (store, place)
        handlers.add(Placed.self) { delivery, codecs in
            if delivery.offset == 1 {
                // While this instance looks at the record, another one is done with it.
                _ = try await store.transaction { try store.advance(place, from: 1, to: 2, in: $0) }
                throw Poison()
            }
            return { $0.rows["\(delivery.offset)"] = "handled" }
        }
        #expect(try await handling().handle(deliveries([0, 1, 2]), of: place, from: at(nil)) == .handled(at(3)))
        #expect(store.rows == ["0": "handled", "2": "handled"])
        #expect(store.parkedRecords.isEmpty)
    }

    @Test("an undivided instance that meets a divided partition has no effect and begins anew; and the other way round")
    func otherDivision() async throws {
        count()
        let handling = handling()
        let two = (0..<2).map { LaneState(Lane($0, of: 2), offset: 2) }
        for believed in [nil, 0] as [Int64?] {
            #expect(try await handling.divide(place, from: PartitionLanes([]), into: two, stop: Latch()).states == two)
            #expect(try await handling.handle(deliveries([2, 3]), of: place, from: at(believed)) == .goBack(at(nil)))
        }
        var lane = place
        lane.lane = two[1].lane
        let one = [at(2)]
        #expect(try await handling.divide(place, from: PartitionLanes(two), into: one, stop: Latch()).states == one)
        let progress = try await handling.handle(deliveries([2, 3]), of: lane, from: two[1])
        #expect(progress == .goBack(LaneState(lane.lane, offset: nil)))
        #expect(store.rows == [:])
    }

    @Test("an error that may pass is tried again until it does, without a trace")
    func retries() async throws {
        let failures = Mutex(0)
        count { event, _ in
            guard event.total == 1 else { return }
            try failures.withLock { failures in
                failures += 1
                if failures < 4 { throw Passing() }
            }
        }
        let progress = try await handling().handle(deliveries([0, 1, 2]), of: place, from: at(nil))
        #expect(progress == .handled(at(3)))
        #expect(store.rows == ["e0": "1", "e1": "1", "e2": "1"])
        #expect(store.parkedRecords.isEmpty)
    }

    @Test("poison is parked with its reason, later records of its key behind it, and the rest goes on")
    func parks() async throws {
        count { event, _ in if event.total == 1 { throw Poison() } }
        let handling = handling()
        let progress = try await handling.handle(deliveries([0, 1, 2, 3, 4, 5]), of: place, from: at(nil))
        #expect(progress == .handled(at(6)))
        #expect(store.rows == ["e0": "1", "e2": "1", "e3": "1", "e5": "1"])
        #expect(store.parkedRecords.map(\.offset) == [1, 4])
        #expect(store.parkedRecords.map(\.attempts) == [1, 0])
        #expect(store.parkedRecords[0].reason.contains("Poison"))
        _ = try await handling.handle(deliveries([6, 7]), of: place, from: at(6))
        #expect(store.parkedRecords.map(\.offset) == [1, 4, 7])
    }

    @Test("what only the commit refuses is parked like any poison, whoever else was in the transaction")
    func refusedAtCommit() async throws {
        count()
        store.commitCheck = { rows in if rows["e6"] != nil { throw Poison() } }
        let handling = handling()
        #expect(try await handling.handle(deliveries(Array(0..<11)), of: place, from: at(nil)) == .handled(at(11)))
        #expect(store.rows.keys.sorted() == [0, 1, 10, 2, 3, 4, 5, 7, 8].map { "e\($0)" })
        #expect(store.rows.values.allSatisfy { $0 == "1" })
        #expect(store.parkedRecords.map(\.offset) == [6, 9])
        #expect(store.parkedRecords.map(\.attempts) == [1, 0])
        // The same when it is tried again, and once the cause is gone.
        let letter = try await store.transaction { [store] in try store.deadLetters(.causes(after: 0, limit: 9), in: $0)
        }[0]
        for isMended in [false, true] {
            if isMended { store.commitCheck = { _ in } }
            _ = try await store.transaction { [store] in try store.retryDeadLetter(letter.number, in: $0) }
            let letters = try await handling.lettersToRetry(of: place, limit: 9, stop: Latch())
            #expect(letters.count == 1)
            _ = try await handling.retry(letters, of: place, from: at(11), limit: 9, stop: Latch())
            #expect(store.parkedRecords.isEmpty == isMended)
        }
        #expect(store.rows["e6"] == "1" && store.rows["e9"] == "1")
    }

    @Test("a commit that is refused though no handler wrote anything ends the handling, and nothing is parked")
    func refusedWithoutHandlers() async throws {
        store.commitCheck = { _ in throw Poison() }
        await #expect(throws: Poison.self) {
            try await handling().handle(deliveries([0, 1]), of: place, from: at(nil))
        }
        #expect(store.parkedRecords.isEmpty)
    }

    @Test("reading again from before a parked record handles what stands before it and parks the rest again")
    func readsAgain() async throws {
        count { event, _ in if event.total == 4 { throw Poison() } }
        let handling = handling()
        let all = try deliveries([0, 1, 2, 3, 4, 5, 6, 7])
        _ = try await handling.handle(all, of: place, from: at(nil))
        #expect(store.parkedRecords.map(\.offset) == [4, 7])
        _ = try await store.transaction { [store, place] in try store.advance(place, from: 8, to: 1, in: $0) }
        #expect(try await handling.handle(all, of: place, from: at(1)) == .handled(at(8)))
        #expect(store.rows["e1"] == "2" && store.rows["e4"] == nil)
        #expect(store.parkedRecords.map(\.offset).sorted() == [4, 7])
    }

    @Test("an error that should pass but does not is parked after the last attempt")
    func givesUp() async throws {
        count { event, _ in if event.total == 0 { throw Passing() } }
        let handling = handling { $0.maximumAttempts = 3 }
        #expect(try await handling.handle(deliveries([0, 1]), of: place, from: at(nil)) == .handled(at(2)))
        #expect(store.parkedRecords.map(\.attempts) == [3])
        #expect(store.rows == ["e1": "1"])
    }

    @Test("what cannot be decoded is parked, not lost")
    func undecodable() async throws {
        count()
        var bad = try deliveries([0, 1])
        bad[0] = Delivery(
            topic: "order", partition: 0, offset: 0, key: nil, value: Array("{".utf8), headers: bad[0].headers)
        #expect(try await handling().handle(bad, of: place, from: at(nil)) == .handled(at(2)))
        #expect(store.parkedRecords.map(\.offset) == [0])
        #expect(store.parkedRecords[0].value == Array("{".utf8))
        #expect(store.rows == ["e1": "1"])
    }

    @Test("a tombstone that says nothing of itself is passed over")
    func bareTombstone() async throws {
        count()
        let tombstone = Delivery(
            topic: "order", partition: 0, offset: 0, key: [1], value: nil,
            headers: [EventHeader("content-type", "application/cloudevents+json")])
        #expect(try await handling().handle([tombstone], of: place, from: at(nil)) == .handled(at(1)))
        #expect(store.parkedRecords.isEmpty)
    }

    @Test("what says that it is an event and cannot be read as one is parked, unless somebody takes what is left over")
    func unreadableEnvelopes() async throws {
        count()
        let envelopes: [(contentType: String, type: [UInt8]?, value: String)] = [
            ("application/cloudevents+json", nil, #"{"id": "1", "source": "/test", "#),
            ("application/cloudevents+json; charset=utf-8", nil, #"{"id": "1", "source": "/test"}"#),
            ("application/cloudevents-batch+json", nil, "[]"),
            ("application/json", [0xFF, 0xFE], "{}"),
        ]
        let records = envelopes.enumerated().map { offset, envelope in
            var headers = [EventHeader("content-type", envelope.contentType)]
            if let type = envelope.type { headers.append(EventHeader("ce_type", type)) }
            return Delivery(
                topic: "order", partition: 0, offset: Int64(offset), key: nil, value: Array(envelope.value.utf8),
                headers: headers)
        }
        #expect(try await handling().handle(records, of: place, from: at(nil)) == .handled(at(4)))
        #expect(store.parkedRecords.map(\.offset) == [0, 1, 2, 3])
        #expect(store.parkedRecords.allSatisfy { $0.reason.contains("envelope") })
        handlers.addFallback { delivery, _ in { $0.rows["left over"] = "\(delivery.offset)" } }
        var next = records[0]
        next.offset = 4
        #expect(try await handling().handle([next], of: place, from: at(4)) == .handled(at(5)))
        #expect(store.rows == ["left over": "4"] && store.parkedRecords.count == 4)
    }

    @Test("what nobody wants is passed over, or goes to the handler of others")
    func others() async throws {
        let plain = Delivery(topic: "order", partition: 0, offset: 0, key: nil, value: Array("hello".utf8))
        #expect(try await handling().handle([plain], of: place, from: at(nil)) == .handled(at(1)))
        handlers.addFallback { delivery, _ in
            { $0.rows["plain"] = delivery.value.map { String(decoding: $0, as: UTF8.self) } }
        }
        var next = plain
        next.offset = 1
        #expect(try await handling().handle([next], of: place, from: at(1)) == .handled(at(2)))
        #expect(store.rows == ["plain": "hello"])
    }

    @Test("the asynchronous stage runs before the transaction, and its failures count as the handler's")
    func prepares() async throws {
        let attempts = Mutex(0)
        handlers.add(Placed.self) { delivery, codecs in
            let event = try codecs.decode(Placed.self, from: delivery)
            await Task.yield()
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            if event.total == 1, attempt < 4 { throw Passing() }
            if event.total == 2 { throw Poison() }
            return { $0.rows["e\(event.total)"] = "prepared" }
        }
        let progress = try await handling().handle(deliveries([0, 1, 2, 3]), of: place, from: at(nil))
        #expect(progress == .handled(at(4)))
        #expect(store.rows == ["e0": "prepared", "e1": "prepared", "e3": "prepared"])
        #expect(store.parkedRecords.map(\.offset) == [2])
    }

    @Test("what a relay sent twice has one effect, however long ago it was, and its place in the log is moved past")
    func sentTwice() async throws {
        count()
        let handling = handling()
        let source = StampSource(outbox: "o", shard: 0)
        func stamped(_ events: [(offset: Int64, event: Int64, batch: Int64, index: Int32)]) throws -> [Delivery] {
            try events.map { offset, event, batch, index in
                var delivery = try deliveries([event])[0]
                delivery.offset = offset
                delivery.headers.append(EventStamp(source: source, batch: batch, index: index).header)
                return delivery
            }
        }
        // The relay died after batch 2, in the midst of it, and its successor sent it again.
        let first = try stamped([(0, 0, 1, 0), (1, 1, 1, 1), (2, 2, 2, 0)])
        guard case .handled(let state) = try await handling.handle(first, of: place, from: at(nil)) else { return }
        let again = try stamped([(3, 2, 2, 0), (4, 3, 2, 1), (5, 4, 3, 0)])
        // Another instance goes on: what it knows is in the database.
        let stored = try await handling.lanes(of: [place])[0].states[0]
        #expect(stored == state && stored.offset == 3)
        guard case .handled(let next) = try await handling.handle(again, of: place, from: stored) else { return }
        #expect(next.offset == 6)
        let old = try stamped([(6, 0, 1, 0), (7, 4, 3, 0)])
        guard case .handled(let last) = try await handling.handle(old, of: place, from: next) else { return }
        #expect(last.offset == 8)
        #expect(store.rows == ["e0": "1", "e1": "1", "e2": "1", "e3": "1", "e4": "1"])
        // Set back on purpose, everything is handled again, and the duplicates in it are duplicates again.
        _ = try await store.transaction { [store, place] in try store.advance(place, from: 8, to: 2, in: $0) }
        let back = try await handling.lanes(of: [place])[0].states[0]
        _ = try await handling.handle(Array((first + again + old)[2...]), of: place, from: back)
        #expect(store.rows == ["e0": "1", "e1": "1", "e2": "2", "e3": "2", "e4": "2"])
    }

    @Test("a parked record that comes a second time is not parked twice, and its failure marks nobody else's stamp")
    func parkedAndSentTwice() async throws {
        count { event, _ in if event.total == 1 { throw Poison() } }
        let source = StampSource(outbox: "o", shard: 0)
        let records = try deliveries([0, 1, 2, 3], key: { "k\($0)" })
        let stamped = records.enumerated().map { index, record in
            var record = record
            record.headers.append(EventStamp(source: source, batch: 1, index: Int32(index)).header)
            return record
        }
        let again = stamped.map { record in
            var record = record
            record.offset += 4
            return record
        }
        _ = try await handling().handle(stamped + again, of: place, from: at(nil))
        #expect(store.rows == ["e0": "1", "e2": "1", "e3": "1"])
        #expect(store.parkedRecords.map(\.offset) == [1])
    }

    @Test("while the database is away nothing is skipped and nothing parked")
    func databaseAway() async throws {
        count()
        store.isAvailable = false
        let (store, place) = (store, place)
        let handling = handling()
        let deliveries = try deliveries([0, 1])
        async let progress = handling.handle(deliveries, of: place, from: at(nil))
        for _ in 0..<20 { await Task.yield() }
        store.isAvailable = true
        #expect(try await progress == .handled(at(2)))
        #expect(store.rows == ["e0": "1", "e1": "1"])
        #expect(store.parkedRecords.isEmpty)
    }
}

/// Remembers the points it hears of.
final class Steps: Probe {
    private let seen = Mutex<[Step.Point]>([])

    var points: [Step.Point] { seen.withLock { $0 } }

    func reached(_ step: Step) { seen.withLock { $0.append(step.point) } }
}
