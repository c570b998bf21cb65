import Dispatch
import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import TidingsTesting

@testable import Tidings

@Suite(.serialized, .timeLimit(.minutes(2))) struct SessionSubscriptionTests {
    @Test(
        "a static member whose session runs out while the broker is away, with a commit on its way, goes on when it is back"
    )
    func outlivesItsSession() async throws {
        let (topic, group) = (Topic<Placed>("order"), "readers")
        try await withBroker(properties: ["group.min.session.timeout.ms": "500"]) { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            func publish(_ number: Int) async throws {
                let event = Placed(orderID: "o", total: number)
                try await publisher.publish(event, to: topic, sending: .afterAction) { _ in }
            }
            let store = InMemoryStore()
            let (isInHand, mayFinish) = (Latch(), DispatchSemaphore(value: 0))
            let lost = Latch()
            var configuration = SubscriptionConfiguration()
            configuration.instanceID = "one"
            configuration.sessionTimeout = .seconds(1)
            configuration.offsetCommitInterval = .milliseconds(10)
            configuration.maximumBatchCount = 1
            let subscription = Subscription(
                to: [topic.name], group: group, store: store, kafka: kafka, configuration: configuration,
                logger: Logger(label: "test") { _ in Listening(for: "partitions revoked", lost) })
            subscription.handle(Placed.self) { event, _, transaction in
                transaction.rows["\(event.total)"] = "handled"
                guard event.total == 1 else { return }
                isInHand.open()
                mayFinish.wait()
            }
            let services = ServiceGroup(services: [subscription], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                for number in 0...1 { try await publish(number) }
                await isInHand.wait()
                try await broker.stop()
                // Handled now, and to be told to a Kafka that is not there.
                mayFinish.signal()
                await lost.wait()
                try await broker.start()
                try await publish(2)
                try await eventually("the event behind it is handled") { store.rows["2"] != nil }
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(store.rows == ["0": "handled", "1": "handled", "2": "handled"])
        }
    }
}

/// Waits for a message.
private struct Listening: LogHandler {
    private let message: String
    private let heard: Latch
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(for message: String, _ heard: Latch) {
        (self.message, self.heard) = (message, heard)
    }

    func log(event: LogEvent) {
        if "\(event.message)" == message { heard.open() }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}
