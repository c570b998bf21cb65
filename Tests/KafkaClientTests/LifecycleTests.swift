import KafkaClient
import Synchronization
import Testing
import TidingsTesting

@Suite(.timeLimit(.minutes(2)))
struct LifecycleTests {
    @Test("a batch outlives its consumer", arguments: TestKafka.all)
    func batchOutlives(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("outlives", partitions: 1)
            try await cluster.fill(topic, partitions: 1, count: 10)
            var kept: ConsumerBatch?
            do {
                let consumer = try Consumer(
                    cluster.kafka, partitions: [TopicPartition(topic, 0): .beginning], logger: cluster.logger)
                try await withConsumer(consumer) { kept = try await $0.next() }
            }
            #expect(kept?.last?.value == Array("9".utf8))
        }
    }

    @Test("a cancelled reader lets go, and another goes on where it stopped", arguments: TestKafka.all)
    func cancelledReader(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("cancelled", partitions: 1)
            let consumer = try Consumer(
                cluster.kafka, partitions: [TopicPartition(topic, 0): .beginning], logger: cluster.logger)
            let running = Task { try await consumer.run() }
            let reader = Task {
                var batches = consumer.batches.makeAsyncIterator()
                return try await batches.next()?.count
            }
            reader.cancel()
            await #expect(throws: CancellationError.self) { try await reader.value }
            try await cluster.fill(topic, partitions: 1, count: 10)
            var batches = consumer.batches.makeAsyncIterator()
            let batch = try await batches.next()
            #expect(batch?.first?.offset == 0)
            running.cancel()
            try await running.value
            let end = try await batches.next()
            #expect(end?.count == nil)
        }
    }

    @Test(
        "a shutdown while the assigned hook runs waits for it, and ends",
        arguments: TestKafka.all, [ConsumerConfiguration.Assignor.range, .cooperativeSticky])
    func shutdownDuringHook(_ kafka: TestKafka, _ assignor: ConsumerConfiguration.Assignor) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("during-hook", partitions: 2)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.assignor = assignor
            let (began, beginning) = AsyncStream<Void>.makeStream()
            let (mayEnd, ending) = AsyncStream<Void>.makeStream()
            let consumer = try Consumer(
                configuration, topics: [topic],
                hooks: RebalanceHooks(assigned: { _ in
                    beginning.finish()
                    for await _ in mayEnd {}
                    return [:]
                }), logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            for await _ in began {}
            await service.shutDown()
            var batches = consumer.batches.makeAsyncIterator()
            let end = try await batches.next()
            #expect(end?.count == nil)
            ending.finish()
            try await running.value
        }
    }

    @Test("a consumer and a producer that never ran, or had nobody to talk to, end without a trace")
    func endWithoutRun() async throws {
        let nowhere = KafkaConfiguration("127.0.0.1:1")
        _ = try Consumer(ConsumerConfiguration(nowhere, groupID: "g"), topics: ["t"], logger: TestCluster.logger)
        _ = try Producer(ProducerConfiguration(nowhere), logger: TestCluster.logger)
        let consumer = try Consumer(
            ConsumerConfiguration(nowhere, groupID: "g"), topics: ["t"], logger: TestCluster.logger)
        try await withConsumer(consumer) { _ in }
        let producer = try Producer(ProducerConfiguration(nowhere), logger: TestCluster.logger)
        let sending = Task { try await producer.send([ProducerMessage(topic: "t", value: "x")]) }
        // Counted as unsettled before it is handed to librdkafka: closing may come in between.
        while producer.unsettled == 0 { await Task.yield() }
        let running = Task { try await producer.run() }
        running.cancel()
        try await running.value
        guard case .failure(let error) = try await sending.value[0] else {
            Issue.record("a message was sent to nobody")
            return
        }
        #expect([.purged, .purgedInFlight, .closed].contains(error.code))
    }

    @Test("messages sent while the broker restarts arrive once each, in order, and the consumer reads on")
    func brokerRestarts() async throws {
        let broker = try EmbeddedBroker()
        try await broker.start()
        let cluster = TestCluster(bootstrap: broker.bootstrap)
        let topic = try await cluster.topic("restart", partitions: 1)
        let consumer = try Consumer(
            cluster.kafka, partitions: [TopicPartition(topic, 0): .beginning], logger: cluster.logger)
        let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
        let sending = Task {
            for start in stride(from: 0, to: 20_000, by: 100) {
                let messages = (start..<start + 100).map { ProducerMessage(topic: topic, value: "\($0)") }
                for report in try await producer.send(messages) { _ = try report.get() }
            }
        }
        var values: [[UInt8]] = []
        try await withConsumer(consumer) { batches in
            while values.count < 20_000, let batch = try await batches.next() {
                let before = values.count
                values += batch.compactMap(\.value)
                if before < 5000, values.count >= 5000 {
                    try await broker.stop()
                    try await broker.start()
                }
            }
        }
        try await sending.value
        #expect(values == (0..<20_000).map { Array("\($0)".utf8) })
        try await broker.remove()
    }
}
