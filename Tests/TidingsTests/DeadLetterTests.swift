import Logging
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Parked records that are tried again, and where they are parked.
@Suite(.timeLimit(.minutes(1))) struct DeadLetterTests {
    private struct Passing: RetriableError { var isRetriable: Bool { true } }
    private struct Poison: Error {}

    private let store = InMemoryStore()
    private let place = GroupPartition(group: "g", topic: "order", partition: 0)
    private let handlers = HandlerTable<InMemoryStore.Transaction>()

    private func handling(
        configure: (inout SubscriptionConfiguration) -> Void = { _ in }
    ) -> PartitionHandling<InMemoryStore> {
        var configuration = SubscriptionConfiguration()
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(2))
        configure(&configuration)
        return PartitionHandling(
            store: store, handlers: handlers, configuration: configuration, clock: ContinuousClock(), probe: nil,
            logger: .silent, metrics: SubscriptionMetrics(group: "g"))
    }

    /// A handler that writes down the order of effects, and refuses what is poison for now.
    private func record(_ before: @escaping @Sendable (Placed) throws -> Void) {
        handlers.add(Placed.self) { delivery, codecs in
            let event = try codecs.decode(Placed.self, from: delivery)
            return { transaction in
                try before(event)
                transaction.rows["effects", default: ""] += "\(delivery.offset) "
            }
        }
    }

    private func deliveries(_ offsets: Range<Int64>, keys: Int64 = 2) throws -> [Delivery] {
        try offsets.map { offset in
            let record = try EventRecord(
                Placed(orderID: "k\(offset % keys)", total: Int(offset)), id: EventID("e\(offset)"),
                topic: Topic("order"), source: "/test")
            return Delivery(
                topic: "order", partition: 0, offset: offset, key: record.key, value: record.value,
                headers: record.headers)
        }
    }

    private func letters() async throws -> [DeadLetter] {
        try await store.transaction { [store] in try store.deadLetters(.page(after: 0, limit: 100), in: $0) }
    }

    private func retryAll(
        _ handling: PartitionHandling<InMemoryStore>, at offset: Int64, limit: Int = 100
    ) async throws -> Bool {
        let letters = try await handling.lettersToRetry(of: place, limit: 100, stop: Latch())
        return try await handling.retry(
            letters, of: place, from: LaneState(.only, offset: offset), limit: limit, stop: Latch())
    }

    @Test("a retried key goes through its handler first one first, each once, and then flows again")
    func retries() async throws {
        let isBroken = Mutex(true)
        record { event in if event.orderID == "k1", isBroken.withLock({ $0 }) { throw Poison() } }
        let handling = handling()
        _ = try await handling.handle(deliveries(0..<8), of: place, from: LaneState(.only, offset: nil))
        #expect(try await letters().map(\.record.offset) == [1, 3, 5, 7])
        isBroken.withLock { $0 = false }
        let first = try await letters()[0].number
        let count = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
        #expect(count == 4)
        // The partition moves on meanwhile: what comes of the key still goes behind.
        _ = try await handling.handle(deliveries(8..<10), of: place, from: LaneState(.only, offset: 8))
        #expect(try await retryAll(handling, at: 10))
        #expect(store.rows["effects"] == "0 2 4 6 8 1 3 5 7 9 ")
        #expect(try await letters().isEmpty)
        #expect(try await retryAll(handling, at: 10))
        _ = try await handling.handle(deliveries(10..<12), of: place, from: LaneState(.only, offset: 10))
        #expect(store.rows["effects"] == "0 2 4 6 8 1 3 5 7 9 10 11 ")
    }

    @Test("one that fails again stays with the new reason and all its attempts, and those behind it stay with it")
    func failsAgain() async throws {
        let poison = Mutex<Set<Int>>([1, 5])
        record { event in if poison.withLock({ $0.contains(event.total) }) { throw Poison() } }
        let handling = handling()
        _ = try await handling.handle(deliveries(0..<8), of: place, from: LaneState(.only, offset: nil))
        let first = try await letters()[0].number
        for _ in 0..<2 {
            _ = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
            #expect(try await retryAll(handling, at: 8))
        }
        #expect(try await letters().map(\.record.attempts).sorted() == [0, 0, 0, 3])
        poison.withLock { $0 = [5] }
        _ = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
        #expect(try await retryAll(handling, at: 8))
        #expect(store.rows["effects"] == "0 2 4 6 1 3 ")
        let left = try await letters().sorted { $0.record.offset < $1.record.offset }
        #expect(left.map(\.record.offset) == [5, 7])
        #expect(left.map(\.record.attempts) == [1, 0])
        #expect(left.map(\.isRetrying) == [false, false])
        #expect(left[0].record.reason.contains("Poison"))
    }

    @Test("what may pass is tried again within the retry, and the database's absence is waited for")
    func passes() async throws {
        let failures = Mutex(0)
        record { event in
            guard event.total == 1 else { return }
            try failures.withLock { count in
                count += 1
                if count < 7 { throw Passing() }
            }
        }
        let handling = handling { $0.maximumAttempts = 2 }
        _ = try await handling.handle(deliveries(0..<4), of: place, from: LaneState(.only, offset: nil))
        let first = try await letters()[0].number
        _ = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
        #expect(try await retryAll(handling, at: 4))
        #expect(try await letters().map(\.record.attempts).sorted() == [0, 4])
        _ = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
        let letters = try await handling.lettersToRetry(of: place, limit: 9, stop: Latch())
        store.isAvailable = false
        async let isDone = handling.retry(
            letters, of: place, from: LaneState(.only, offset: 4), limit: 9, stop: Latch())
        for _ in 0..<20 { await Task.yield() }
        store.isAvailable = true
        #expect(try await isDone)
        #expect(store.rows["effects"] == "0 2 1 3 ")
    }

    @Test("an instance that has lost the partition retries nothing, and a letter that is gone has no second effect")
    func zombie() async throws {
        let isBroken = Mutex(true)
        record { event in if event.total == 1, isBroken.withLock({ $0 }) { throw Poison() } }
        let handling = handling()
        _ = try await handling.handle(deliveries(0..<4), of: place, from: LaneState(.only, offset: nil))
        isBroken.withLock { $0 = false }
        let first = try await letters()[0].number
        _ = try await store.transaction { [store] in try store.retryDeadLetter(first, in: $0) }
        let seen = try await handling.lettersToRetry(of: place, limit: 9, stop: Latch())
        #expect(try await retryAll(handling, at: 3))
        #expect(store.rows["effects"] == "0 2 ")
        #expect(try await retryAll(handling, at: 4))
        #expect(store.rows["effects"] == "0 2 1 3 ")
        // Somebody who has looked before, and is slow.
        #expect(
            try await handling.retry(seen, of: place, from: LaneState(.only, offset: 4), limit: 9, stop: Latch()))
        #expect(store.rows["effects"] == "0 2 1 3 ")
    }

    @Test("only so many are tried at once; the rest follows when it is looked at again")
    func limited() async throws {
        let isBroken = Mutex(true)
        record { _ in if isBroken.withLock({ $0 }) { throw Poison() } }
        let handling = handling()
        _ = try await handling.handle(deliveries(0..<10), of: place, from: LaneState(.only, offset: nil))
        isBroken.withLock { $0 = false }
        for letter in try await letters() where !letter.isBehind {
            _ = try await store.transaction { [store] in try store.retryDeadLetter(letter.number, in: $0) }
        }
        #expect(try await !retryAll(handling, at: 10, limit: 3))
        #expect(store.rows["effects"] == "0 2 4 ")
        #expect(try await retryAll(handling, at: 10))
        let effects = store.rows["effects", default: ""].split(separator: " ").compactMap { Int($0) }
        #expect(effects.filter { $0 % 2 == 0 } == [0, 2, 4, 6, 8])
        #expect(effects.filter { $0 % 2 == 1 } == [1, 3, 5, 7, 9])
        #expect(try await letters().isEmpty)
    }

    @Test("a record that is read again and handled is parked no more, with a key or without one")
    func handledAgain() async throws {
        let isBroken = Mutex(true)
        record { event in if event.total < 2, isBroken.withLock({ $0 }) { throw Poison() } }
        let handling = handling()
        var all = try deliveries(0..<4)
        all[0].key = nil
        _ = try await handling.handle(all, of: place, from: LaneState(.only, offset: nil))
        #expect(try await letters().map(\.record.offset) == [0, 1, 3])
        isBroken.withLock { $0 = false }
        _ = try await store.transaction { [store, place] in try store.advance(place, from: 4, to: 0, in: $0) }
        _ = try await handling.handle(all, of: place, from: LaneState(.only, offset: 0))
        #expect(try await letters().isEmpty)
        #expect(store.rows["effects"] == "2 0 1 2 3 ")
    }

    @Test("a dead-letter topic beside the database is told why, where and how often, in the same transaction")
    func topicBeside() async throws {
        record { event in if event.total == 1 { throw Poison() } }
        var all = try deliveries(0..<4)
        all[1].headers.append(EventStamp(source: StampSource(outbox: "o", shard: 0), batch: 1, index: 0).header)
        _ = try await handling { $0.deadLetters = .databaseAndTopic("order.dead") }
            .handle(all, of: place, from: LaneState(.only, offset: nil))
        #expect(try await letters().map(\.record.offset) == [1, 3])
        let letter = try #require(store.outbox.first?.record)
        #expect(store.outbox.count == 1)
        #expect(letter.topic == "order.dead" && letter.key == all[1].key && letter.value == all[1].value)
        let delivery = Delivery(
            topic: letter.topic, partition: 0, offset: 0, key: letter.key, value: letter.value, headers: letter.headers)
        #expect(delivery.eventID == "e1" && delivery.type == Placed.eventType)
        #expect(delivery.header(DeadLetterHeaders.reason)?.text?.contains("Poison") == true)
        #expect(delivery.header(DeadLetterHeaders.topic)?.text == "order")
        #expect(delivery.header(DeadLetterHeaders.partition)?.text == "0")
        #expect(delivery.header(DeadLetterHeaders.offset)?.text == "1")
        #expect(delivery.header(DeadLetterHeaders.group)?.text == "g")
        #expect(delivery.header(DeadLetterHeaders.attempts)?.text == "1")
        #expect(delivery.header(DeadLetterHeaders.time)?.text.flatMap(Timestamp.init(rfc3339:)) != nil)
        #expect(EventStamp(letter.headers) == nil)
    }

    @Test("a dead-letter topic instead of the database lets later records of the key through")
    func topicInstead() async throws {
        record { event in if event.total == 1 { throw Poison() } }
        var all = try deliveries(0..<4)
        all[0] = Delivery(topic: "order", partition: 0, offset: 0, key: nil, value: [0x7B], headers: all[0].headers)
        _ = try await handling { $0.deadLetters = .topic("order.dead") }
            .handle(all, of: place, from: LaneState(.only, offset: nil))
        #expect(try await letters().isEmpty)
        #expect(store.outbox.map(\.record.eventID) == ["e0", "e1"])
        #expect(store.rows["effects"] == "2 3 ")
    }
}
