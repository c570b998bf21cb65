import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

@Suite("Tombstones through the outbox", .timeLimit(.minutes(1)))
struct TombstoneTests {
    private struct Named: Event {
        static let eventType = "test.customer.named"
        var id: String
        var name: String
        var key: String { id }
    }

    private struct Refused: Error {}

    @Test("a tombstone leaves with its transaction, after what its key had before, and takes the key out of a view")
    func endToEnd() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let topic = Topic<Named>("customer")
        try await withBroker { broker in
            try await withDirectory { directory in
                let kafka = KafkaConfiguration(broker.bootstrap)
                try await Admin(kafka, logger: logger).create(topic, partitions: 1)
                let store = try SQLiteStore(path: directory + "/test.sqlite")
                let publisher = Publisher(store: store, source: "/test")
                try await publisher.publish(Named(id: "ada", name: "Ada"), to: topic) { _ in }
                try await publisher.publish(Named(id: "alan", name: "Alan"), to: topic) { _ in }
                try await publisher.publishDeletion(of: "ada", id: EventID("gone"), in: topic) { _ in }
                await #expect(throws: Refused.self) {
                    try await publisher.publishDeletion(of: "alan", in: topic) { _ in throw Refused() }
                }
                try await store.transaction {
                    try publisher.append(Named(id: "kurt", name: "Kurt"), to: topic, in: $0)
                    try publisher.appendDeletion(of: "kurt", from: topic, in: $0)
                    try publisher.append(Named(id: "last", name: "Last"), to: topic, in: $0)
                }

                let tombstones = Mutex<[Delivery]>([])
                let (isLast, last) = AsyncStream<Void>.makeStream()
                let names = View("names", of: [topic.name], initial: [String: String](), kafka: kafka, logger: logger)
                names.fold(Named.self) { names, event, _ in
                    names[event.id] = event.name
                    if event.id == "last" { last.finish() }
                }
                names.foldDeletion { names, delivery in
                    tombstones.withLock { $0.append(delivery) }
                    // Nil if it came before what it deletes.
                    #expect(names.removeValue(forKey: delivery.keyText ?? "") != nil)
                }
                let producer = try Producer(.relay(kafka), logger: logger)
                let relay = OutboxRelay(store: store, producer: producer, logger: logger)
                let services = ServiceGroup(services: [producer, relay, names], logger: logger)
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await services.run() }
                    for await _ in isLast {}
                    await services.triggerGracefulShutdown()
                    try await tasks.waitForAll()
                }
                let rest = names.peek { names, _ in names }
                #expect(rest == ["alan": "Alan", "last": "Last"])
                let gone = tombstones.withLock { $0 }
                #expect(gone.map(\.keyText) == ["ada", "kurt"] && gone.allSatisfy { $0.value == nil })
                #expect(gone.first?.eventID == EventID("gone"))
            }
        }
    }
}
