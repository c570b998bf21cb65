import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// A subscription's member in its consumer group: from assignment to assignment, from batch to batch.
///
/// The database is where offsets are true. They are told to Kafka as well, after the fact, so that tools see the lag.
final class GroupMember<S: Store>: Sendable {
    private let group: String
    private let topics: [String]
    private let kafka: ConsumerConfiguration
    private let handling: PartitionHandling<S>
    private let interval: Duration
    private let start: StartOffset
    private let history: LogHistory
    private let clock: any Clock<Duration>
    private let logger: Logger

    private let positions = Mutex<[TopicPartition: PartitionPosition]>([:])
    private let handledSomething = OutboxSignal()

    init(
        topics: [String], group: String, kafka: KafkaConfiguration, handling: PartitionHandling<S>,
        clock: any Clock<Duration>, logger: Logger
    ) {
        let configuration = handling.configuration
        var consumer = ConsumerConfiguration(kafka, groupID: group, groupInstanceID: configuration.instanceID)
        consumer.offsetReset = .earliest
        consumer.sessionTimeout = configuration.sessionTimeout
        self.group = group
        self.topics = topics
        self.kafka = consumer
        self.handling = handling
        self.interval = configuration.offsetCommitInterval
        self.start = configuration.firstStart == .committed ? .committed : .beginning
        self.history = LogHistory(
            kafka, onMissing: configuration.onMissingHistory, backoff: configuration.backoff, clock: clock,
            metrics: handling.metrics, logger: logger)
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        // The hooks are part of the consumer that they commit with.
        let reference = ConsumerReference()
        let hooks = RebalanceHooks(
            assigned: { try await self.assigned($0) },
            revoked: { await self.revoked($0, isLost: $1, reference.consumer) })
        let consumer = try Consumer(kafka, topics: topics, hooks: hooks, logger: logger)
        reference.consumer = consumer
        defer { reference.consumer = nil }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await self.commitFromTimeToTime(consumer) }
                try await self.receiveUntilClosed(consumer)
                tasks.cancelAll()
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // A wait for the database was cut short: what was in hand is not handled, and comes again.
        }
    }

    private func receiveUntilClosed(_ consumer: Consumer) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            tasks.addTask { try await self.receive(from: consumer) }
            for try await _ in tasks {}
        }
    }

    // MARK: Partitions

    private func assigned(_ partitions: [TopicPartition]) async throws -> [TopicPartition: StartOffset] {
        var starts: [TopicPartition: StartOffset] = [:]
        for partition in partitions {
            let stored = try await handling.stored(of: place(partition))
            positions.withLock { $0[partition] = PartitionPosition(stored: stored) }
            starts[partition] = stored.offset.map { .at($0) } ?? start
        }
        logger.info("partitions assigned", metadata: ["group": "\(group)", "starts": "\(starts)"])
        return starts
    }

    private func revoked(_ partitions: [TopicPartition], isLost: Bool, _ consumer: Consumer?) async {
        if !isLost, let consumer { await commit(with: consumer) }
        positions.withLock { positions in
            for partition in partitions { positions[partition] = nil }
        }
        logger.info(
            "partitions revoked", metadata: ["group": "\(group)", "partitions": "\(partitions)", "lost": "\(isLost)"])
    }

    private func place(_ partition: TopicPartition) -> GroupPartition {
        GroupPartition(group: group, topic: partition.topic, partition: partition.partition)
    }

    // MARK: Records

    private func receive(from consumer: Consumer) async throws {
        for try await batch in consumer.batches {
            guard var position = positions.withLock({ $0[batch.partition] }) else { continue }
            let deliveries = batch.map(Delivery.init)
            let gap = try position.received(deliveries.lazy.map(\.offset), of: batch.partition)
            if let gap { try await history.check(gap, of: batch.partition) }
            positions.withLock { if $0[batch.partition] != nil { $0[batch.partition] = position } }
            let progress = try await handling.handle(deliveries, of: place(batch.partition), from: position.stored)
            switch progress {
            case .handled(let stored):
                positions.withLock { $0[batch.partition]?.handled(stored) }
                handledSomething.raise()
            case .goBack(let stored):
                positions.withLock { $0[batch.partition] = PartitionPosition(stored: stored) }
                try await consumer.seek([batch.partition: stored.offset.map { .at($0) } ?? start])
            }
        }
    }

    // MARK: Offsets in Kafka

    private func commitFromTimeToTime(_ consumer: Consumer) async {
        while !Task.isCancelled {
            await handledSomething.wait()
            await commit(with: consumer)
            try? await clock.sleep(for: interval)
        }
    }

    private func commit(with consumer: Consumer) async {
        let offsets = positions.withLock { positions in
            var offsets: [TopicPartition: Int64] = [:]
            for (partition, position) in positions {
                guard let offset = position.uncommitted else { continue }
                offsets[partition] = offset
                positions[partition]?.uncommitted = nil
            }
            return offsets
        }
        guard !offsets.isEmpty else { return }
        do {
            try await consumer.commit(offsets)
            handling.probe?.reached(Step(.offsetCommitted, []))
        } catch {
            // No harm: the database knows. The next commit of the partition makes up for it.
            logger.debug("offsets could not be told to Kafka", metadata: ["error": "\(error)"])
        }
    }
}

/// Where a consumer's hooks find their consumer.
private final class ConsumerReference: Sendable {
    private let reference = Mutex<Consumer?>(nil)

    var consumer: Consumer? {
        get { reference.withLock { $0 } }
        set { reference.withLock { $0 = newValue } }
    }
}

extension Delivery {
    init(_ record: ConsumerRecord) {
        self.init(
            topic: record.topic, partition: record.partition, offset: record.offset,
            timestamp: record.timestamp.map(Timestamp.init(millisecondsSince1970:)), key: record.key,
            value: record.value, headers: record.headers.map { EventHeader($0.name, $0.value) })
    }
}
