import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import TidingsTesting

@testable import Tidings

/// The same event in three versions.
private struct Paid1: Event {
    static let eventType = "shop.paid"
    var order: String
    var total: Int
    var key: String { order }
}

private struct Paid2: Event {
    static let eventType = "shop.paid.2"
    var order: String
    var cents: Int
    var key: String { order }
}

private struct Paid3: Event {
    static let eventType = "shop.paid.3"
    var order: String
    var cents: Int
    var currency: String
    var key: String { order }
}

@Suite struct EvolutionTests {
    private struct Negative: Error {}

    private let store = InMemoryStore()
    private let place = GroupPartition(group: "g", topic: "paid", partition: 0)
    private let handlers = HandlerTable<InMemoryStore.Transaction>()

    fileprivate static var versions: EventVersions {
        var versions = EventVersions()
        versions.upcast(Paid1.self, to: Paid2.self) { old, _ in
            if old.total < 0 { throw Negative() }
            return Paid2(order: old.order, cents: old.total * 100)
        }
        versions.upcast(Paid2.self, to: Paid3.self) { old, delivery in
            Paid3(order: old.order, cents: old.cents, currency: delivery.header("currency")?.text ?? "EUR")
        }
        return versions
    }

    private var versions: EventVersions { Self.versions }

    private func handling(_ versions: EventVersions) -> PartitionHandling<InMemoryStore> {
        var configuration = SubscriptionConfiguration()
        configuration.versions = versions
        return PartitionHandling(
            store: store, handlers: handlers, configuration: configuration, clock: ContinuousClock(), probe: nil,
            logger: .silent, metrics: SubscriptionMetrics(group: "g"))
    }

    private func handle<E: Event>(_ type: E.Type, _ body: @escaping @Sendable (E) -> String) {
        handlers.add(type) { delivery, codecs in
            let event = try codecs.decode(type, from: delivery)
            return { $0.rows["\(delivery.offset)"] = body(event) }
        }
    }

    private func delivery(
        _ event: some Event, at offset: Int64, headers: [EventHeader] = []
    ) throws -> Delivery {
        func record<E: Event>(_ event: E) throws -> EventRecord {
            try EventRecord(
                event, id: EventID("e\(offset)"), topic: Topic<E>("paid"), source: "/test", headers: headers)
        }
        let record = try record(event)
        return Delivery(
            topic: "paid", partition: 0, offset: offset, key: record.key, value: record.value, headers: record.headers)
    }

    @Test("a handler of the newest version gets events of all versions, one function after the other")
    func chain() async throws {
        handle(Paid3.self) { "\($0.cents) \($0.currency)" }
        let all = [
            try delivery(Paid1(order: "a", total: 7), at: 0),
            try delivery(Paid2(order: "a", cents: 701), at: 1, headers: [EventHeader("currency", "CHF")]),
            try delivery(Paid3(order: "a", cents: 702, currency: "USD"), at: 2),
        ]
        _ = try await handling(versions).handle(all, of: place, from: LaneState(.only, offset: nil))
        #expect(store.rows == ["0": "700 EUR", "1": "701 CHF", "2": "702 USD"])
    }

    @Test("a handler of the older type goes first, and without any an older event is passed over")
    func olderHandler() async throws {
        let old = try delivery(Paid1(order: "a", total: 7), at: 0)
        handle(Paid3.self) { "\($0.cents)" }
        _ = try await handling(EventVersions()).handle([old], of: place, from: LaneState(.only, offset: nil))
        #expect(store.rows == [:] && store.parkedRecords.isEmpty)
        handle(Paid1.self) { "as it was: \($0.total)" }
        let again = try delivery(Paid1(order: "a", total: 7), at: 1)
        _ = try await handling(versions).handle([again], of: place, from: LaneState(.only, offset: 1))
        #expect(store.rows == ["1": "as it was: 7"])
    }

    @Test("an older event that cannot be read as a newer one is parked, and read when a function for it is there")
    func parkedUntilReadable() async throws {
        handle(Paid3.self) { "\($0.cents)" }
        let bad = try delivery(Paid1(order: "a", total: -7), at: 0)
        var other = try delivery(Paid1(order: "b", total: 7), at: 1)
        other.value = Array(#"{"order":"b"}"#.utf8)
        other.data = other.value
        let good = try delivery(Paid1(order: "c", total: 7), at: 2)
        _ = try await handling(versions).handle([bad, other, good], of: place, from: LaneState(.only, offset: nil))
        #expect(store.rows == ["2": "700"])
        #expect(store.parkedRecords.map(\.offset) == [0, 1])
        #expect(store.parkedRecords[0].reason.contains("Negative"))
        var better = versions
        better.upcast(Paid1.self, to: Paid2.self) { old, _ in Paid2(order: old.order, cents: abs(old.total) * 100) }
        let letter = try await store.transaction { [store] in
            try store.deadLetters(.page(after: 0, limit: 1), in: $0)[0]
        }
        _ = try await handling(better).retry(
            [letter], of: place, from: LaneState(.only, offset: 3), limit: 9, stop: Latch())
        #expect(store.rows["0"] == "700")
        #expect(store.parkedRecords.map(\.offset) == [1])
    }

    @Test("fields that a reader does not know are ignored, optional ones may be missing, and a needed one may not")
    func fields() async throws {
        struct Shipped: Event {
            static let eventType = "shop.paid.3"
            var order: String
            var note: String?
            var key: String { order }
        }
        handle(Shipped.self) { "\($0.order) \($0.note ?? "none")" }
        let known = try delivery(Paid3(order: "a", cents: 1, currency: "EUR"), at: 0)
        var lacking = try delivery(Paid3(order: "b", cents: 1, currency: "EUR"), at: 1)
        lacking.data = Array(#"{"note":"x"}"#.utf8)
        _ = try await handling(EventVersions()).handle(
            [known, lacking], of: place, from: LaneState(.only, offset: nil))
        #expect(store.rows == ["0": "a none"])
        #expect(store.parkedRecords.map(\.offset) == [1])
    }

    @Test("functions that lead in a circle end, and names of several types are told apart")
    func circles() throws {
        var versions = versions
        versions.upcast(Paid3.self, to: Paid1.self) { new, _ in Paid1(order: new.order, total: new.cents / 100) }
        #expect(versions.names(from: "shop.paid") == ["shop.paid", "shop.paid.2", "shop.paid.3"])
        #expect(versions.names(from: "other") == ["other"])
        let delivery = try delivery(Paid2(order: "a", cents: 200), at: 0)
        let codecs = CodecTable([JSONCodec()], versions: versions)
        #expect(try codecs.decode(Paid1.self, from: delivery).total == 2)
    }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct EvolutionViewTests {
    @Test("a view of the newest version folds the history's older events, too")
    func folds() async throws {
        let name = uniqueName("paid")
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(Topic<Paid3>(name), partitions: 2)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            try await publisher.publish(
                Paid1(order: "a", total: 7), to: Topic(name), sending: .afterAction
            ) { _ in }
            try await publisher.publish(
                Paid2(order: "b", cents: 701), to: Topic(name), sending: .afterAction
            ) { _ in }
            try await publisher.publish(
                Paid3(order: "c", cents: 702, currency: "USD"), to: Topic(name), sending: .afterAction
            ) { _ in }
            var configuration = ViewConfiguration()
            configuration.versions = EvolutionTests.versions
            let view = View(
                "paid", of: [name], initial: [String: Int](), kafka: kafka, configuration: configuration,
                logger: .silent)
            view.fold(Paid3.self) { sums, event, _ in sums[event.order + " in " + event.currency] = event.cents }
            let services = ServiceGroup(services: [view], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                let sums = try await view.readWhenReady { $0 }
                #expect(sums == ["a in EUR": 700, "b in EUR": 701, "c in USD": 702])
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
