import KafkaClient
import Logging
import Processes
import Testing
import TidingsTesting

@testable import Tidings

@Suite("What a topic is declared to be")
struct TopicDeclarationTests {
    private let customers = TopicDeclaration("customer", partitions: 5, keeping: .newestOfEachKey)

    @Test("what is as asked for is no difference, in whatever order a list is written")
    func same() {
        #expect(customers.differences(partitions: 5, properties: ["cleanup.policy": "compact"]).isEmpty)
        #expect(customers.differences(partitions: 5, properties: [:]).isEmpty)
        let both = TopicDeclaration("t", partitions: 1, keeping: .recentNewestOfEachKey(.seconds(90)))
        let found = ["cleanup.policy": "delete, compact", "retention.ms": "90000"]
        #expect(both.differences(partitions: 1, properties: found).isEmpty)
    }

    @Test("what differs is told as asked for and as it is")
    func differs() {
        #expect(
            customers.differences(partitions: 3, properties: ["cleanup.policy": "delete", "retention.ms": "5"])
                == ["asked for 5 partitions, has 3", "asked for cleanup.policy compact, is delete"])
        let orders = TopicDeclaration("order", partitions: 1, keeping: .everything, properties: ["segment.ms": "7"])
        #expect(
            orders.differences(
                partitions: 1, properties: ["cleanup.policy": "delete", "retention.ms": "604800000", "segment.ms": "7"])
                == ["asked for retention.ms -1, is 604800000"])
    }

    @Test("a view makes what is missing, and stops when a topic is otherwise")
    func view() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            func view(_ declaration: TopicDeclaration) -> View<Int> {
                var configuration = ViewConfiguration()
                configuration.declares = [declaration]
                return View(
                    "declared", of: [declaration.name], initial: 0, kafka: kafka, configuration: configuration,
                    logger: .silent)
            }
            let first = view(customers)
            let running = Task { try await first.run() }
            try await first.ready()
            running.cancel()
            _ = await running.result
            let admin = try Admin(kafka, logger: .silent)
            try await admin.ensure([customers])
            let partitions = try await admin.metadata(topics: ["customer"]).topics.first?.partitions.count
            #expect(partitions == 5)
            let other = TopicDeclaration("customer", partitions: 6, keeping: .everything)
            let error = await #expect(throws: TidingsError.self) { try await view(other).run() }
            #expect(error?.code == .topicDiffers)
            #expect(error?.message.contains("asked for 6 partitions, has 5") == true)
            #expect(error?.message.contains("asked for cleanup.policy delete, is compact") == true)
        }
    }
}
