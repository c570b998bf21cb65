import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Does what a test says, and stands where it was told to start.
private final class Follower: HistoryFollower {
    private let tracker = Mutex(HistoryTracker())
    private let started = Mutex<[(positions: [TopicPartition: Int64], ends: [TopicPartition: Int64])]>([])

    let ask: @Sendable () async throws -> [TopicPartition: Int64]?
    let begin: @Sendable (_ time: Int) async throws -> Void
    let take: @Sendable (ConsumerBatch, _ time: Int) async throws -> Bool

    /// - Parameters:
    ///   - ask: where to go on; nil: at what was received, and where it started.
    ///   - begin: when it starts for the time of that number, from 1.
    ///   - take: what comes then.
    init(
        ask: @escaping @Sendable () async throws -> [TopicPartition: Int64]? = { nil },
        begin: @escaping @Sendable (_ time: Int) async throws -> Void = { _ in },
        take: @escaping @Sendable (ConsumerBatch, _ time: Int) async throws -> Bool = { _, _ in false }
    ) {
        (self.ask, self.begin, self.take) = (ask, begin, take)
    }

    var starts: [(positions: [TopicPartition: Int64], ends: [TopicPartition: Int64])] { started.withLock { $0 } }

    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) async throws {
        tracker.withLock { $0.start(positions, ends: ends) }
        let time = started.withLock { started in
            started.append((positions, ends))
            return started.count
        }
        try await begin(time)
    }

    func receive(_ batch: ConsumerBatch) async throws -> Bool {
        let isWanted = try await take(batch, starts.count)
        tracker.withLock {
            $0.received(batch.count, of: batch.partition, upTo: batch.nextOffset, reachesEnd: batch.reachesEnd)
        }
        return isWanted
    }

    func positions(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
        try await ask() ?? tracker.withLock { $0.positions }
    }
}

/// Where reading begins and goes on, over a real broker.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HistoryReaderTests {
    private let topic = uniqueName("history")
    private var first: TopicPartition { TopicPartition(topic, 0) }

    private func reader(_ kafka: KafkaConfiguration, _ selection: PartitionSelection? = nil) -> HistoryReader {
        var configuration = ViewConfiguration()
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(5))
        return HistoryReader(
            name: "v", topics: [topic], kafka: kafka, configuration: configuration, clock: ContinuousClock(),
            logger: .silent, selection: selection)
    }

    /// Five records in the first of two partitions.
    private func withHistory(_ body: @Sendable (KafkaConfiguration, Admin) async throws -> Void) async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.createTopics([TopicSpecification(topic, partitions: 2)])
            try await produce(5, to: kafka)
            try await body(kafka, admin)
        }
    }

    private func produce(_ count: Int, to kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        let messages = (0..<count).map { _ in ProducerMessage(topic: topic, partition: 0, value: [1]) }
        if let error = try await producer.send(messages).firstFailure { throw error }
    }

    @Test("where the log ends is asked after the positions, which others may have taken further meanwhile")
    func asksEndsLast() async throws {
        try await withHistory { kafka, _ in
            let first = first
            let follower = Follower(ask: {
                try await produce(2, to: kafka)
                return [first: 7]
            })
            try await reader(kafka).run(follower)
            #expect(follower.starts.map { $0.positions[first] } == [7])
            #expect(follower.starts.map { $0.ends[first] } == [7])
        }
    }

    @Test("where nothing has been read nothing is missed when the log's start moves on before it can be")
    func startMoves() async throws {
        try await withHistory { kafka, admin in
            let first = first
            let offsets = Mutex<[Int64]>([])
            let follower = Follower(
                begin: { time in
                    if time == 1 { _ = try await admin.deleteRecords(before: [first: 3]) }
                },
                take: { batch, _ in
                    offsets.withLock { $0 += batch.map(\.offset) }
                    return batch.partition != first
                })
            try await reader(kafka).run(follower)
            #expect(follower.starts.map { $0.positions[first] } == [0, 3])
            #expect(offsets.withLock { $0.first } == 3)
        }
    }

    @Test("nor when other partitions are to be read meanwhile")
    func startMovesAndSelectionChanges() async throws {
        try await withHistory { kafka, admin in
            let first = first
            let selection = PartitionSelection()
            selection.change(to: [0])
            let isMoved = Latch()
            let follower = Follower(take: { batch, _ in
                if isMoved.isOpen { return batch.partition != first }
                isMoved.open()
                _ = try await admin.deleteRecords(before: [first: 3])
                selection.change(to: [0, 1])
                await OutboxSignal().wait()
                throw CancellationError()
            })
            try await reader(kafka, selection).run(follower)
            #expect(follower.starts.first?.positions[first] == 0 && follower.starts.last?.positions[first] == 3)
        }
    }

    @Test("what has been read in part is missed when the log's start moves beyond it")
    func missing() async throws {
        try await withHistory { kafka, admin in
            let first = first
            let selection = PartitionSelection()
            selection.change(to: [0])
            let follower = Follower(take: { batch, _ in
                try Task.checkCancellation()
                guard batch.partition == first, batch.nextOffset == 5 else { return true }
                try await produce(5, to: kafka)
                _ = try await admin.deleteRecords(before: [first: 8])
                selection.change(to: [0, 1])
                await OutboxSignal().wait()
                return true
            })
            let error = await #expect(throws: TidingsError.self) { try await reader(kafka, selection).run(follower) }
            #expect(error?.code == .historyMissing)
        }
    }

    @Test("what waits for Kafka when it is shut down ends in peace")
    func shutdown() async throws {
        try await withHistory { kafka, _ in
            let asked = Latch()
            let follower = Follower(ask: {
                asked.open()
                throw KafkaError(.unknownTopicOrPartition, "not yet")
            })
            struct Reading: Service {
                let reader: HistoryReader
                let follower: Follower
                func run() async throws { try await reader.run(follower) }
            }
            let services = ServiceGroup(
                services: [Reading(reader: reader(kafka), follower: follower)], logger: .silent)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                await asked.wait()
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
            #expect(follower.starts.isEmpty)
        }
    }
}
