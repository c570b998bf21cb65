import Glibc
import Processes
import Testing

@testable import KafkaClient

/// How a consumer ends when something that it would wait for never comes.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct ShutdownTests {
    /// The mock cluster takes seconds to let a member join, so it gets one way only.
    private static let kafkas: [(TestKafka, ConsumerConfiguration.Assignor)] =
        TestKafka.all.map { ($0, .range) } + TestKafka.complete.map { ($0, .cooperativeSticky) }
    private static let timeout = Duration.milliseconds(600)

    private static func configuration(_ cluster: TestCluster, _ group: String) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(cluster.kafka, groupID: group)
        configuration.shutdownTimeout = timeout
        configuration.requestTimeout = .seconds(1)
        configuration.sessionTimeout = .seconds(6)
        configuration.fetchWait = .milliseconds(50)
        return configuration
    }

    @Test("the reader and the hooks get three quarters of the time, but leaving no more than five seconds")
    func stages() {
        let start = ContinuousClock.now
        let short = ShutdownDeadline(.milliseconds(400), from: start)
        #expect(short.stage(at: start + .milliseconds(299)) == .waiting)
        #expect(short.stage(at: start + .milliseconds(300)) == .leaving)
        #expect(short.stage(at: start + .milliseconds(400)) == .over)
        #expect(short.patience(at: start) == 301)
        #expect(short.patience(at: start + .milliseconds(300)) == 101)
        #expect(short.patience(at: start + .seconds(1)) == -1)
        let long = ShutdownDeadline(.seconds(60), from: start)
        #expect(long.stage(at: start + .seconds(54)) == .waiting)
        #expect(long.stage(at: start + .seconds(55)) == .leaving)
        #expect(ShutdownDeadline(.seconds(-1), from: start).stage(at: start) == .over)
    }

    @Test(
        "a reader that never comes back holds the shutdown up to the deadline, and the group is left all the same",
        arguments: kafkas)
    func readerStaysAway(_ kafka: TestKafka, _ assignor: ConsumerConfiguration.Assignor) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("reader-away", partitions: 2)
            try await cluster.fill(topic, partitions: 2, count: 5000)
            var configuration = Self.configuration(cluster, topic)
            configuration.assignor = assignor
            configuration.maximumBatchSize = 10
            let others = kafkaThreads()
            let consumer = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            var batches = consumer.batches.makeAsyncIterator()
            var inHand = try await batches.next()
            let own = kafkaThreads().subtracting(others)
            #expect(!own.isEmpty)
            try await expectEnd(of: running, after: service)

            let partition = try #require(inHand?.partition)
            for call in [
                { try await consumer.commit([partition: 1]) }, { try await consumer.seek([partition: .beginning]) },
                { _ = try await consumer.committed([partition]) },
            ] {
                let error = await #expect(throws: KafkaError.self) { try await call() }
                #expect(error?.code == .closed)
            }
            // The next member gets the partitions at once, not after the session's timeout.
            let next = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            try await withConsumer(next) { batches in
                let first = try await batches.next()
                #expect(first?.first?.offset == 0)
                #expect(next.assignment.count == 2)
            }
            #expect(inHand?.first?.value == Array("0".utf8))  // still readable
            inHand = nil
            try await eventually("the client's threads ended") { kafkaThreads().isDisjoint(with: own) }
            #expect(try await batches.next() == nil)
        }
    }

    @Test("a hook that never returns holds the shutdown up to the deadline", arguments: kafkas)
    func hookStaysAway(_ kafka: TestKafka, _ assignor: ConsumerConfiguration.Assignor) async throws {
        for isRevocation in [false, true] {
            try await withCluster(kafka) { cluster in
                let topic = try await cluster.topic("hook-away", partitions: 2)
                try await cluster.fill(topic, partitions: 2, count: 5000)
                var configuration = Self.configuration(cluster, topic)
                configuration.assignor = assignor
                let (began, mayEnd) = (Latch(), Latch())
                let hooks = RebalanceHooks(
                    assigned: { _ in
                        began.open()
                        if !isRevocation { await mayEnd.wait() }
                        return [:]
                    },
                    revoked: { _, _ in await mayEnd.wait() })
                let others = kafkaThreads()
                do {
                    let consumer = try Consumer(configuration, topics: [topic], hooks: hooks, logger: cluster.logger)
                    let service = TestService(consumer)
                    let running = Task { try await service.run() }
                    await began.wait()
                    if isRevocation { try await expectBatch(consumer) }
                    let own = kafkaThreads().subtracting(others)
                    try await expectEnd(of: running, after: service)
                    try await eventually("the client's threads ended") { kafkaThreads().isDisjoint(with: own) }
                }
                let next = try Consumer(
                    Self.configuration(cluster, topic + "-next"), topics: [topic], logger: cluster.logger)
                try await withConsumer(next) { batches in
                    let first = try await batches.next()
                    #expect(first?.first?.offset == 0)
                }
                mayEnd.open()
            }
        }
    }

    @Test("a hook that is cancelled at the deadline is no failure of the consumer")
    func hookGivesIn() async throws {
        try await withCluster(.mock) { cluster in
            let topic = try await cluster.topic("hook-cancelled", partitions: 1)
            let began = Latch()
            let hooks = RebalanceHooks(assigned: { _ in
                began.open()
                try await Task.sleep(for: .seconds(3600))
                return [:]
            })
            let consumer = try Consumer(
                Self.configuration(cluster, topic), topics: [topic], hooks: hooks, logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            await began.wait()
            try await expectEnd(of: running, after: service)
        }
    }

    @Test("cancelling run() ends it within the deadline although a hook never returns", arguments: TestKafka.all)
    func cancelledWithHookAway(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("hook-away", partitions: 1)
            let (began, mayEnd) = (Latch(), Latch())
            let hooks = RebalanceHooks(assigned: { _ in
                began.open()
                await mayEnd.wait()
                return [:]
            })
            let consumer = try Consumer(
                Self.configuration(cluster, topic), topics: [topic], hooks: hooks, logger: cluster.logger)
            let running = Task { try await consumer.run() }
            await began.wait()
            running.cancel()
            try await running.value
            mayEnd.open()
        }
    }

    @Test("a broker that does not answer any more holds the shutdown up to the deadline")
    func brokerFrozen() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let cluster = TestCluster(bootstrap: await broker.bootstrap)
            let topic = try await cluster.topic("frozen", partitions: 2)
            try await cluster.fill(topic, partitions: 2, count: 50_000)
            var configuration = Self.configuration(cluster, topic)
            configuration.assignor = .cooperativeSticky
            let others = kafkaThreads()
            let consumer = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            try await expectBatch(consumer)
            let own = kafkaThreads().subtracting(others)
            try await broker.freeze()
            let commit = Task { try await consumer.commit([TopicPartition(topic, 0): 1]) }
            try await expectEnd(of: running, after: service)
            let error = await #expect(throws: KafkaError.self) { try await commit.value }
            #expect(error?.code == .closed || error?.code == .timedOut || error?.isRetriable == true)
            try await eventually("the client's threads ended") { kafkaThreads().isDisjoint(with: own) }

            await broker.thaw()
            let next = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            try await withConsumer(next) { batches in
                let first = try await batches.next()
                #expect(first != nil)
            }
            try await broker.stop()
        }
    }

    @Test("a broker that is gone holds the shutdown up to the deadline")
    func brokerAway() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let cluster = TestCluster(bootstrap: await broker.bootstrap)
            let topic = try await cluster.topic("gone", partitions: 2)
            try await cluster.fill(topic, partitions: 2, count: 50_000)
            let others = kafkaThreads()
            let consumer = try Consumer(
                Self.configuration(cluster, topic), topics: [topic], logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            try await expectBatch(consumer)
            let own = kafkaThreads().subtracting(others)
            try await broker.kill()
            let commit = Task { try await consumer.commit([TopicPartition(topic, 0): 1]) }
            try await expectEnd(of: running, after: service)
            await #expect(throws: KafkaError.self) { try await commit.value }
            try await eventually("the client's threads ended") { kafkaThreads().isDisjoint(with: own) }
        }
    }

    /// The reader gets a batch and lets go of it.
    private func expectBatch(_ consumer: Consumer) async throws {
        for try await batch in consumer.batches {
            #expect(batch.count > 0)
            return
        }
    }

    /// Shuts down; without a deadline this would never end.
    private func expectEnd(of running: Task<Void, any Error>, after service: TestService) async throws {
        await service.shutDown()
        try await running.value
    }
}
