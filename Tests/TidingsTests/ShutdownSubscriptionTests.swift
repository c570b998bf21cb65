import Dispatch
import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite(.serialized, .timeLimit(.minutes(2))) struct ShutdownSubscriptionTests {
    @Test(
        "asked to stop in the midst of a transaction it finishes that one; offset and effects agree, nothing is parked")
    func finishesWhatIsInHand() async throws {
        let (topic, group) = (Topic<Placed>(uniqueName("order")), uniqueName("readers"))
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            for number in 0..<30 {
                let event = Placed(orderID: "o\(number)", total: number)
                try await publisher.publish(event, to: topic, sending: .afterAction) { _ in }
            }
            let store = InMemoryStore()
            let (isInHand, mayFinish) = (Latch(), DispatchSemaphore(value: 0))
            var configuration = SubscriptionConfiguration()
            configuration.maximumBatchCount = 1
            let subscription = Subscription(
                to: [topic.name], group: group, store: store, kafka: kafka, configuration: configuration,
                logger: .silent)
            subscription.handle(Placed.self) { event, _, transaction in
                transaction.rows["\(event.total)"] = "handled"
                guard event.total == 3 else { return }
                isInHand.open()
                mayFinish.wait()
            }
            let services = ServiceGroup(services: [subscription], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                await isInHand.wait()
                await services.triggerGracefulShutdown()
                mayFinish.signal()
                try await tasks.waitForAll()
            }
            #expect(store.rows["3"] == "handled" && store.parkedRecords.isEmpty)
            let place = GroupPartition(group: group, topic: topic.name, partition: 0)
            let offset = try await store.transaction { try store.offset(of: place, in: $0) }
            #expect(store.rows.count == offset.map { Int($0) })
        }
    }
}
