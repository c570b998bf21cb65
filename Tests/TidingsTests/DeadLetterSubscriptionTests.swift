import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite(.serialized, .timeLimit(.minutes(2))) struct DeadLetterSubscriptionTests {
    private struct Poison: Error {}

    @Test("records that are retried while the service runs have their effects in order, in all lanes, once each")
    func retriedWhileRunning() async throws {
        let (topic, group) = (Topic<Placed>(uniqueName("order")), uniqueName("readers"))
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 2)
            let (writer, reader) = (InMemoryStore(), InMemoryStore())
            let isBroken = Mutex(true)
            var configuration = SubscriptionConfiguration()
            configuration.lanes = 3
            configuration.deadLetterInterval = .milliseconds(5)
            let subscription = Subscription(
                to: [topic.name], group: group, store: reader, kafka: kafka, configuration: configuration,
                logger: .silent)
            subscription.handle(Placed.self) { event, _, transaction in
                if event.total % 10 == 0, isBroken.withLock({ $0 }) { throw Poison() }
                transaction.rows["of " + event.orderID, default: ""] += "\(event.total) "
            }
            let producer = try Producer(.relay(kafka), logger: .silent)
            let relay = OutboxRelay(store: writer, producer: producer, logger: .silent)
            let services = ServiceGroup(services: [producer, relay, subscription], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                let publisher = Publisher(store: writer, source: "/test")
                for number in 0..<120 {
                    try await publisher.publish(Placed(orderID: "o\(number % 5)", total: number), to: topic) { _ in }
                }
                // All of o0, whose first is poison, and the others as they come.
                while reader.parkedRecords.count < 24 || reader.effects < 96 {
                    try await Task.sleep(for: .milliseconds(2))
                }
                isBroken.withLock { $0 = false }
                let causes = try await reader.transaction {
                    try reader.deadLetters(.causes(after: 0, limit: 1000), in: $0)
                }
                for letter in causes {
                    _ = try await reader.transaction { try reader.retryDeadLetter(letter.number, in: $0) }
                }
                for number in 120..<140 {
                    try await publisher.publish(Placed(orderID: "o\(number % 5)", total: number), to: topic) { _ in }
                }
                while !reader.parkedRecords.isEmpty || reader.effects < 140 {
                    try await Task.sleep(for: .milliseconds(2))
                }
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            for key in 0..<5 {
                let expected = stride(from: key, to: 140, by: 5).map { "\($0) " }.joined()
                #expect(reader.rows["of o\(key)"] == expected)
            }
        }
    }
}

extension InMemoryStore {
    fileprivate var effects: Int { rows.values.reduce(0) { $0 + $1.split(separator: " ").count } }
}
