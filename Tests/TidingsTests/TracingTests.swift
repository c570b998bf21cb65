import Logging
import Testing
import TidingsTesting
import Tracing

@testable import Tidings

/// Carries W3C's headers as they are, as an instrument of a tracing library would.
private struct W3CInstrument: Instrument {
    struct Key: ServiceContextKey {
        typealias Value = [String: String]
    }

    static let isInstalled: Bool = {
        InstrumentationSystem.bootstrap(W3CInstrument())
        return true
    }()

    private let names = ["traceparent", "tracestate"]

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        let found = names.compactMap { name in extractor.extract(key: name, from: carrier).map { (name, $0) } }
        if !found.isEmpty { context[Key.self] = Dictionary(uniqueKeysWithValues: found) }
    }

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        for (name, value) in (context[Key.self] ?? [:]).sorted(by: { $0.key < $1.key }) {
            injector.inject(value, forKey: name, into: &carrier)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct TracingTests {
    private let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private let topic = Topic<Placed>("order")

    private func context() -> ServiceContext {
        #expect(W3CInstrument.isInstalled)
        var context = ServiceContext.topLevel
        context[W3CInstrument.Key.self] = ["traceparent": parent, "tracestate": "a=1"]
        return context
    }

    private func delivery(_ record: EventRecord, offset: Int64 = 0) -> Delivery {
        Delivery(
            topic: record.topic, partition: 0, offset: offset, key: record.key, value: record.value,
            headers: record.headers)
    }

    @Test("what is published in a context carries its trace and its ids; headers of the caller's own stay")
    func publishes() async throws {
        let (store, sender) = (InMemoryStore(), RecordingSender())
        let publisher = Publisher(store: store, producer: sender, source: "/test")
        var context = context()
        (context.correlationID, context.causationID) = ("request-7", "e-0")
        try await ServiceContext.withValue(context) {
            let event = Placed(orderID: "o", total: 1)
            for sending in Sending.allCases { try await publisher.publish(event, to: topic, sending: sending) { _ in } }
            try await publisher.publishDeletion(of: "o", in: topic) { _ in }
            try await store.transaction { try publisher.append(event, to: topic, in: $0) }
            try await publisher.publish(event, to: topic, headers: [EventHeader("traceparent", "own")]) { _ in }
        }
        let all = sender.records + store.outbox.map(\.record)
        #expect(all.count == 6)
        for record in all.dropLast() {
            let delivery = delivery(record)
            #expect(delivery.header("traceparent")?.text == parent && delivery.header("tracestate")?.text == "a=1")
            #expect(delivery.correlationID == "request-7" && delivery.causationID == "e-0")
        }
        #expect(all.last?.headers.filter { $0.name == "traceparent" } == [EventHeader("traceparent", "own")])
    }

    @Test("outside any context an event carries nothing of one")
    func noContext() async throws {
        let store = InMemoryStore()
        let publisher = Publisher(store: store, source: "/test")
        try await publisher.publish(Placed(orderID: "o", total: 1), to: topic) { _ in }
        let delivery = delivery(store.outbox[0].record)
        #expect(delivery.correlationID == nil && delivery.causationID == nil && delivery.header("traceparent") == nil)
    }

    @Test("a handler runs in its event's context, in both of its stages, and what it publishes carries that on")
    func handles() async throws {
        let (store, place) = (InMemoryStore(), GroupPartition(group: "g", topic: "order", partition: 0))
        let publisher = Publisher(store: store, source: "/test")
        let handlers = HandlerTable<InMemoryStore.Transaction>()
        handlers.add(Placed.self) { delivery, codecs in
            let event = try codecs.decode(Placed.self, from: delivery)
            let prepared = ServiceContext.current?[W3CInstrument.Key.self]?["traceparent"]
            return { transaction in
                transaction.rows["\(event.total)"] = prepared
                guard event.total < 3 else { return }
                let next = Placed(orderID: "o", total: event.total + 1)
                try publisher.append(next, id: EventID("e\(next.total)"), to: Topic<Placed>("order"), in: transaction)
            }
        }
        let handling = PartitionHandling(
            store: store, handlers: handlers, configuration: SubscriptionConfiguration(), clock: ContinuousClock(),
            probe: nil, logger: .silent, metrics: SubscriptionMetrics(group: "g"))
        let first = try ServiceContext.withValue(context()) {
            try EventRecord(
                Placed(orderID: "o", total: 1), id: "e1", topic: topic, source: "/test",
                headers: EventContext.headers([]))
        }
        // Each is published by the handler of the one before.
        var next = delivery(first)
        for offset in 0..<3 {
            let state = LaneState(.only, offset: offset == 0 ? nil : Int64(offset))
            _ = try await handling.handle([next], of: place, from: state)
            if let record = store.outbox.last?.record { next = delivery(record, offset: Int64(offset + 1)) }
        }
        #expect(store.rows == ["1": parent, "2": parent, "3": parent])
        let published = store.outbox.map { delivery($0.record) }
        #expect(published.map(\.eventID) == ["e2", "e3"])
        #expect(published.map(\.correlationID) == ["e1", "e1"])
        #expect(published.map(\.causationID) == ["e1", "e2"])
        #expect(published.map { $0.header("traceparent")?.text } == [parent, parent])
    }

    @Test("a relay and a dead-letter topic leave the context's headers as they are")
    func travels() async throws {
        let store = InMemoryStore()
        let sender = RecordingSender()
        let publisher = Publisher(store: store, source: "/test")
        var context = context()
        context.correlationID = "c"
        try await ServiceContext.withValue(context) {
            try await publisher.publish(Placed(orderID: "o", total: 1), to: topic) { _ in }
        }
        let relay = OutboxRelay(store: store, producer: sender, logger: .silent)
        let sent = await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await relay.run() }
            let sent = await sender.records(atLeast: 1)
            tasks.cancelAll()
            try? await tasks.waitForAll()
            return delivery(sent[0])
        }
        #expect(sent.correlationID == "c" && sent.header("traceparent")?.text == parent)
        let parked = ParkedRecord(
            place: GroupPartition(group: "g", topic: "order", partition: 0), offset: 0, timestamp: nil, key: sent.key,
            headers: sent.headers, value: sent.value, reason: "poison", attempts: 1)
        let letter = delivery(parked.letter(to: "dead"))
        #expect(letter.correlationID == "c" && letter.header("tracestate")?.text == "a=1")
    }
}
