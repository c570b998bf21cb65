import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import Tidings
import TidingsTesting

/// Views whose state is in a database, over a real broker; only the database is a double.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoredViewTests {
    private let topic = uniqueName("counted")

    private func counting(
        _ store: InMemoryStore, _ kafka: KafkaConfiguration, version: Int32 = 1
    ) -> StoredView<InMemoryStore> {
        let view = StoredView(
            "counting", version: version, of: [topic], store: store, kafka: kafka, logger: .silent
        ) { transaction in
            transaction.rows = ["resets": "\((Int(transaction.rows["resets"] ?? "") ?? 0) + 1)"]
        }
        view.foldRecords { transaction, record in
            let key = String(decoding: record.key ?? [], as: UTF8.self)
            transaction.rows[key] = "\((Int(transaction.rows[key] ?? "") ?? 0) + 1)"
        }
        view.foldDeletion { transaction, delivery in transaction.rows[delivery.keyText ?? ""] = nil }
        return view
    }

    private func running(_ views: [any Service], _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: views, logger: .silent)
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

    @discardableResult
    private func produce(_ keys: [String], deleted: Bool = false, to kafka: KafkaConfiguration) async throws
        -> RecordPlace?
    {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        let reports = try await producer.send(
            keys.map { ProducerMessage(topic: topic, key: Array($0.utf8), value: deleted ? nil : [1]) })
        var place: RecordPlace?
        for report in reports {
            let at = try report.get()
            place = RecordPlace(topic: topic, partition: at.partition, offset: at.offset)
        }
        return place
    }

    @Test("a restart goes on where the database is, and another version reads history anew")
    func restarts() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.createTopics([TopicSpecification(topic, partitions: 3)])
            let store = InMemoryStore()
            try await produce(["a", "b", "a", "c"], to: kafka)
            let first = counting(store, kafka)
            try await running([first]) {
                let rows = try await first.readWhenReady { $0.rows }
                #expect(rows == ["a": "2", "b": "1", "c": "1", "resets": "1"])
                let place = try #require(try await produce(["b"], deleted: true, to: kafka))
                let gone = try await first.read(including: place) { $0.rows["b"] }
                #expect(gone == nil)
            }
            #expect(first.progress.records == 5)
            try await produce(["a"], to: kafka)
            let second = counting(store, kafka)
            try await running([second]) {
                let rows = try await second.readWhenReady { $0.rows }
                #expect(rows == ["a": "3", "c": "1", "resets": "1"])
            }
            #expect(second.progress.records == 1)
            for (version, resets): (Int32, String) in [(2, "2"), (1, "3")] {
                let other = counting(store, kafka, version: version)
                try await running([other]) {
                    let rows = try await other.readWhenReady { $0.rows }
                    #expect(rows == ["a": "3", "c": "1", "resets": resets])
                }
                #expect(other.progress.records == 6)
            }
        }
    }

    @Test("instances that share a database fold each record once")
    func shared() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.createTopics([TopicSpecification(topic, partitions: 2)])
            let store = InMemoryStore()
            let views = (0..<3).map { _ in counting(store, kafka) }
            try await running(views) {
                for _ in 0..<20 { try await produce((0..<50).map { "k\($0 % 7)" }, to: kafka) }
                for view in views {
                    for key in ["k0", "k6"] {
                        let place = try #require(try await produce([key], to: kafka))
                        _ = try await view.read(including: place) { _ in }
                    }
                }
                let rows = store.rows
                let counted = rows.filter { $0.key != "resets" }.values.compactMap { Int($0) }.reduce(0, +)
                #expect(counted == 20 * 50 + 6)
                #expect(rows["resets"] == "1")
            }
        }
    }

    @Test("a database that is away for a while is waited for")
    func databaseAway() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.createTopics([TopicSpecification(topic, partitions: 1)])
            let store = InMemoryStore()
            let view = counting(store, kafka)
            try await running([view]) {
                try await view.ready()
                store.isAvailable = false
                let place = try #require(try await produce(["a", "a"], to: kafka))
                store.isAvailable = true
                let count = try await view.read(including: place) { $0.rows["a"] }
                #expect(count == "2")
            }
        }
    }
}
