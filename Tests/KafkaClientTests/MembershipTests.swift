import KafkaClient
import Synchronization
import Testing
import TidingsTesting

@Suite(.timeLimit(.minutes(2)))
struct MembershipTests {
    /// What happened to a member, in order.
    private final class History: Sendable {
        private let events = Mutex<[String]>([])

        var all: [String] { events.withLock { $0 } }

        var hooks: RebalanceHooks {
            RebalanceHooks(
                assigned: { partitions in
                    self.events.withLock { $0.append("assigned \(partitions.count)") }
                    return [:]
                },
                revoked: { partitions, isLost in
                    self.events.withLock { $0.append(isLost ? "lost" : "revoked \(partitions.count)") }
                })
        }
    }

    @Test("a reader that waits for longer than the poll interval keeps its partitions")
    func idleReaderStays() async throws {
        try await withBroker(properties: ["group.min.session.timeout.ms": "100"]) { broker in
            let cluster = TestCluster(bootstrap: broker.bootstrap)
            let topic = try await cluster.topic("idle", partitions: 1)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.sessionTimeout = .seconds(1)
            configuration.maximumPollInterval = .seconds(1)
            let history = History()
            let consumer = try Consumer(configuration, topics: [topic], hooks: history.hooks, logger: cluster.logger)
            try await withConsumer(consumer) { batches in
                async let filled: Void = {
                    // The time itself is what is tested: several poll intervals without a record.
                    try await Task.sleep(for: .seconds(4))
                    try await cluster.fill(topic, partitions: 1, count: 1)
                }()
                let batch = try await batches.next()
                #expect(batch?.first?.offset == 0)
                #expect(history.all == ["assigned 1"])
                try await filled
            }
        }
    }

    @Test("a reader that takes each batch within the poll interval keeps its partitions, however many wait")
    func steadyReaderStays() async throws {
        try await withBroker(properties: ["group.min.session.timeout.ms": "100"]) { broker in
            let cluster = TestCluster(bootstrap: broker.bootstrap)
            let topic = try await cluster.topic("steady", partitions: 1)
            try await cluster.fill(topic, partitions: 1, count: 40)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.sessionTimeout = .seconds(1)
            configuration.maximumPollInterval = .seconds(1)
            configuration.maximumBatchSize = 1
            configuration.maximumReadyBatches = 20
            let history = History()
            let consumer = try Consumer(configuration, topics: [topic], hooks: history.hooks, logger: cluster.logger)
            try await withConsumer(consumer) { batches in
                for offset in 0..<8 {
                    let batch = try await batches.next()
                    #expect(batch?.first?.offset == Int64(offset))
                    // The time itself is what is tested: together far more than the poll interval.
                    try await Task.sleep(for: .milliseconds(400))
                }
                #expect(history.all == ["assigned 1"])
            }
        }
    }

    @Test(
        "a static member that restarts gets its partitions back, and the other notices nothing",
        arguments: TestKafka.complete)
    func staticMemberReturns(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("static", partitions: 2)
            try await cluster.fill(topic, partitions: 2, count: 1)
            let stayer = History()
            let first = try Consumer(
                ConsumerConfiguration(cluster.kafka, groupID: topic, groupInstanceID: "one"), topics: [topic],
                hooks: stayer.hooks, logger: cluster.logger)
            let service = TestService(first)
            let running = Task { try await service.run() }
            let reading = Task { for try await _ in first.batches {} }
            var assignments: [[TopicPartition]] = []
            var before: [String] = []
            for _ in 0..<2 {
                let second = try Consumer(
                    ConsumerConfiguration(cluster.kafka, groupID: topic, groupInstanceID: "two"), topics: [topic],
                    logger: cluster.logger)
                try await withConsumer(second) { others in
                    _ = try await others.next()
                    assignments.append(second.assignment)
                }
                if before.isEmpty { before = stayer.all }
            }
            #expect(assignments[0].count == 1)
            #expect(assignments[0] == assignments[1])
            #expect(stayer.all == before)
            await service.shutDown()
            try await running.value
            try await reading.value
        }
    }
}
