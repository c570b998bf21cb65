import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import Tidings
import TidingsTesting

/// The whole way: publisher, relay, broker, subscription; only the database is a double.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SubscriptionTests {
    private let topic = Topic<Placed>("order")

    /// A service group that runs while `body` runs, and is then shut down gracefully.
    private func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: services, logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func counting(
        _ store: InMemoryStore, _ kafka: KafkaConfiguration, instanceID: String? = nil
    ) -> Subscription<InMemoryStore> {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = instanceID
        configuration.offsetCommitInterval = .milliseconds(10)
        configuration.sessionTimeout = .seconds(6)
        let subscription = Subscription(
            to: ["order"], group: "g", store: store, kafka: kafka, configuration: configuration, logger: .silent)
        subscription.handle(Placed.self) { event, delivery, transaction in
            let id = delivery.eventID?.rawValue ?? ""
            transaction.rows[id] = "\((Int(transaction.rows[id] ?? "") ?? 0) + 1)"
            transaction.rows["of " + event.orderID, default: ""] += id + " "
        }
        return subscription
    }

    private func rows(_ store: InMemoryStore, atLeast count: Int) async throws {
        while store.rows.keys.count(where: { $0.hasPrefix("e") }) < count {
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("from a transaction at the writer to one effect at the reader, in the order of each key")
    func wholeWay() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 5)
            let (writer, reader) = (InMemoryStore(), InMemoryStore())
            let producer = try Producer(.relay(kafka), logger: .silent)
            let relay = OutboxRelay(store: writer, producer: producer, logger: .silent)
            let publisher = Publisher(store: writer, source: "/test")
            try await running([producer, relay, counting(reader, kafka)]) {
                for number in 0..<100 {
                    try await publisher.publish(
                        Placed(orderID: "o\(number % 7)", total: number), id: EventID("e\(number)"), to: topic
                    ) { $0.rows["\(number)"] = "done" }
                }
                try await rows(reader, atLeast: 100)
            }
            for number in 0..<100 { #expect(reader.rows["e\(number)"] == "1") }
            for key in 0..<7 {
                let expected = stride(from: key, to: 100, by: 7).map { "e\($0) " }.joined()
                #expect(reader.rows["of o\(key)"] == expected)
            }
            #expect(writer.outbox.isEmpty)
            let committed = try await Admin(kafka, logger: .silent).committedOffsets(ofGroup: "g")
            #expect(committed.values.reduce(0, +) == 100)
        }
    }

    @Test("on assignment a subscription resumes from the database, whatever Kafka has committed")
    func resumes() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 1)
            let (writer, reader) = (InMemoryStore(), InMemoryStore())
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: writer, producer: producer, source: "/test")
            for number in 0..<10 {
                try await publisher.publish(
                    Placed(orderID: "o", total: number), id: EventID("e\(number)"), to: topic, sending: .afterAction
                ) { _ in }
            }
            // The database has seen the first four, Kafka knows nothing of it.
            _ = try await reader.transaction {
                try reader.advance(
                    GroupPartition(group: "g", topic: "order", partition: 0), from: nil, to: 4, in: $0)
            }
            try await running([counting(reader, kafka)]) { try await rows(reader, atLeast: 6) }
            #expect(Set(reader.rows.keys.filter { $0.hasPrefix("e") }) == Set((4..<10).map { "e\($0)" }))
        }
    }

    @Test("an instance that comes back goes on where it was, and nothing is handled twice")
    func restarts() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 3)
            let reader = InMemoryStore()
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            for round in 0..<3 {
                try await running([counting(reader, kafka, instanceID: "one")]) {
                    for number in round * 20..<(round + 1) * 20 {
                        try await publisher.publish(
                            Placed(orderID: "o\(number)", total: 0), id: EventID("e\(number)"), to: topic,
                            sending: .beforeAction
                        ) { _ in }
                    }
                    try await rows(reader, atLeast: (round + 1) * 20)
                }
            }
            for number in 0..<60 { #expect(reader.rows["e\(number)"] == "1") }
        }
    }

    @Test("an offset beyond the end of the log stops the subscription instead of skipping or repeating")
    func beyondTheLog() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let reader = InMemoryStore()
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            try await publisher.publish(Placed(orderID: "o", total: 0), to: topic, sending: .afterAction) { _ in }
            _ = try await reader.transaction {
                try reader.advance(
                    GroupPartition(group: "g", topic: "order", partition: 0), from: nil, to: 1000, in: $0)
            }
            let error = await #expect(throws: TidingsError.self) { try await counting(reader, kafka).run() }
            #expect(error?.code == .offsetBeyondLog)
            #expect(reader.rows.isEmpty)
        }
    }
}
