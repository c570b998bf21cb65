import KafkaClient
import Processes
import Synchronization
import Testing

/// What a database would hold: how far each partition is handled. A record out of turn is remembered.
private final class Progress: Sendable {
    private struct State {
        var next: [TopicPartition: Int64] = [:]
        var faults: [String] = []
        var services: [TestService] = []
        var total: Int64 { next.values.reduce(0, +) }
    }

    private let expected: Int64
    private let state = Mutex(State())

    init(expected: Int) {
        self.expected = Int64(expected)
    }

    /// Has the service shut down as soon as all expected records are handled.
    func end(_ service: TestService) async {
        let isComplete = state.withLock { state in
            state.services.append(service)
            return state.total >= expected
        }
        if isComplete { await service.shutDown() }
    }

    func start(_ partitions: [TopicPartition]) -> [TopicPartition: StartOffset] {
        state.withLock { state in
            Dictionary(uniqueKeysWithValues: partitions.map { ($0, .at(state.next[$0] ?? 0)) })
        }
    }

    func handle(_ batch: ConsumerBatch, by who: String) async {
        let ending = state.withLock { state in
            for record in batch {
                let expected = state.next[batch.partition] ?? 0
                if record.offset != expected || record.value != Array("\(expected)".utf8) {
                    state.faults.append("\(who): \(batch.partition) has \(record.offset) in place of \(expected)")
                }
                state.next[batch.partition] = record.offset + 1
            }
            return state.total >= expected ? state.services : []
        }
        for service in ending { await service.shutDown() }
    }

    func rewind(_ partition: TopicPartition, to offset: Int64) {
        state.withLock { $0.next[partition] = offset }
    }

    func next(_ partition: TopicPartition) -> Int64 { state.withLock { $0.next[partition] ?? 0 } }
    var isComplete: Bool { total >= expected }
    var total: Int64 { state.withLock { $0.total } }
    var faults: [String] { state.withLock { $0.faults } }
}

@Suite(.timeLimit(.minutes(3)))
struct RebalanceTests {
    static let seeds: [UInt64] = [1, 2, 3]

    @Test(
        "no record is skipped, doubled or out of turn across pauses, resumes and seeks",
        arguments: TestKafka.all, seeds)
    func controlSkipsNothing(_ kafka: TestKafka, _ seed: UInt64) async throws {
        try await withCluster(kafka) { cluster in
            let count = 3000
            let topic = try await cluster.topic("control", partitions: 3)
            try await cluster.fill(topic, partitions: 3, count: count)
            let progress = Progress(expected: 3 * count)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.maximumBatchSize = 50
            configuration.prefetchedMessages = 200
            let consumer = try Consumer(
                configuration, topics: [topic], hooks: RebalanceHooks(assigned: { progress.start($0) }),
                logger: cluster.logger)
            let partitions = (0..<3).map { TopicPartition(topic, $0) }
            var random = SeededGenerator(seed: seed)
            var paused: Set<TopicPartition> = []
            try await withConsumer(consumer) { batches in
                while !progress.isComplete, let batch = try await batches.next() {
                    #expect(!paused.contains(batch.partition), "seed \(seed): a paused partition gave a batch")
                    await progress.handle(batch, by: "seed \(seed)")
                    let target = partitions[Int.random(in: 0..<3, using: &random)]
                    guard consumer.assignment.contains(target) else { continue }
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0 where paused.count < 2:
                        try await consumer.pause([target])
                        paused.insert(target)
                    case 1, 2:
                        try await consumer.resume(Array(paused))
                        paused = []
                    case 3 where progress.next(target) > 0:
                        let back = Int64.random(
                            in: max(0, progress.next(target) - 120)...progress.next(target), using: &random)
                        try await consumer.seek([target: .at(back)])
                        progress.rewind(target, to: back)
                    default: break
                    }
                    // A reader must be left with something to read.
                    let open = partitions.filter { !paused.contains($0) && progress.next($0) < count }
                    if open.isEmpty {
                        try await consumer.resume(Array(paused))
                        paused = []
                    }
                }
            }
            #expect(progress.faults == [])
            #expect(progress.total == Int64(3 * count))
        }
    }

    @Test(
        "no record is skipped, doubled or out of turn while members come and go",
        arguments: TestKafka.complete, [ConsumerConfiguration.Assignor.range, .cooperativeSticky])
    func rebalancesSkipNothing(_ kafka: TestKafka, _ assignor: ConsumerConfiguration.Assignor) async throws {
        try await withCluster(kafka) { cluster in
            let count = 4000
            let topic = try await cluster.topic("members", partitions: 5)
            let progress = Progress(expected: 5 * count)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.assignor = assignor
            configuration.maximumBatchSize = 20
            configuration.sessionTimeout = .seconds(6)
            let member = { @Sendable [configuration] (name: String) throws in
                let consumer = try Consumer(
                    configuration, topics: [topic], hooks: RebalanceHooks(assigned: { progress.start($0) }),
                    logger: cluster.logger)
                return (consumer, name)
            }
            try await withThrowingTaskGroup { group in
                group.addTask {
                    // A stayer, which reads until everything is read, by whomever.
                    let (consumer, name) = try member("stayer")
                    try await withConsumer(consumer, end: progress.end) { batches in
                        while let batch = try await batches.next() { await progress.handle(batch, by: name) }
                    }
                }
                group.addTask {
                    // Visitors, which read a few batches each and leave.
                    for visit in 0..<4 where !progress.isComplete {
                        let (consumer, name) = try member("visitor \(visit)")
                        try await withConsumer(consumer, end: progress.end) { batches in
                            for _ in 0..<10 {
                                guard let batch = try await batches.next() else { break }
                                await progress.handle(batch, by: name)
                            }
                        }
                    }
                }
                group.addTask {
                    let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
                    for start in stride(from: 0, to: count, by: 100) {
                        for partition in 0..<5 {
                            let messages = (start..<start + 100).map {
                                ProducerMessage(topic: topic, partition: Int32(partition), value: Array("\($0)".utf8))
                            }
                            for report in try await producer.send(messages) { _ = try report.get() }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(progress.faults == [])
            #expect(progress.total == Int64(5 * count))
        }
    }

    @Test(
        "a partition is given up only after its batch is done with and the hook has returned",
        arguments: TestKafka.complete)
    func revocationWaits(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("revocation", partitions: 1)
            try await cluster.fill(topic, partitions: 1, count: 100)
            let history = Mutex<[String]>([])
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.maximumBatchSize = 10
            let hooks = RebalanceHooks(
                assigned: { _ in
                    history.withLock { $0.append("assigned") }
                    return [:]
                },
                revoked: { _, _ in history.withLock { $0.append("revoked") } })
            let consumer = try Consumer(configuration, topics: [topic], hooks: hooks, logger: cluster.logger)
            let service = TestService(consumer)
            let running = Task { try await service.run() }
            var batches = consumer.batches.makeAsyncIterator()
            _ = try #require(try await batches.next())
            await service.shutDown()
            // The shutdown is under way when another reader would get the end; this one still has a batch in hand.
            for _ in 0..<100 { await Task.yield() }
            history.withLock { $0.append("done") }
            // What was ready before the consumer's thread heard of the shutdown may still come; then the end.
            while try await batches.next() != nil {}
            try await running.value
            #expect(history.withLock { $0 } == ["assigned", "done", "revoked"])
        }
    }

    @Test("what the assigned hook throws ends the batches and run()", arguments: TestKafka.all)
    func hookFails(_ kafka: TestKafka) async throws {
        struct DatabaseAway: Error {}
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("hook-fails", partitions: 1)
            let consumer = try Consumer(
                ConsumerConfiguration(cluster.kafka, groupID: topic), topics: [topic],
                hooks: RebalanceHooks(assigned: { _ in throw DatabaseAway() }), logger: cluster.logger)
            let running = Task { try await consumer.run() }
            var batches = consumer.batches.makeAsyncIterator()
            await #expect(throws: DatabaseAway.self) { try await batches.next() }
            await #expect(throws: DatabaseAway.self) { try await running.value }
        }
    }
}
