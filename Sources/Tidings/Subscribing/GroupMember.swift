import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// A subscription's member in its consumer group: from assignment to assignment.
///
/// Each partition has a worker of its own. Reading never waits for them: Kafka sees a member that is alive, however long
/// a handler takes or the database is away. The database is where offsets are true. They are told to Kafka as well,
/// after the fact, so that tools see the lag.
final class GroupMember<S: Store>: Sendable {
    private typealias Worker = PartitionWorker<S>

    private let group: String
    private let topics: [String]
    private let kafka: ConsumerConfiguration
    private let handling: PartitionHandling<S>
    private let interval: Duration
    private let start: StartOffset
    private let history: LogHistory
    private let clock: any Clock<Duration>
    private let logger: Logger

    private let workers = Mutex<[TopicPartition: Worker]>([:])
    /// The session ran out, and nothing was assigned since.
    private let hasLostSession = Mutex(false)
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
        while true {
            do {
                return try await join()
            } catch is Worker.SetBack {
                logger.notice("an offset was set back; joining the group anew to read from there", metadata: name)
            } catch let error as KafkaError where error.code == .fencedInstance && hasLostSession.withLock({ $0 }) {
                // librdkafka sends a commit that waited for the broker after it has given up its membership: it fences itself.
                // Where it really is another process, that is fenced by joining anew, and ends.
                logger.notice("the session ran out while Kafka was away; joining the group anew", metadata: name)
            } catch is CancellationError where Task.isShuttingDownGracefully {
                // A wait for the database was cut short: what was in hand is not handled, and comes again.
                return
            }
        }
    }

    private func join() async throws {
        workers.withLock { $0 = [:] }
        hasLostSession.withLock { $0 = false }
        // The hooks are part of the consumer that they commit with.
        let reference = ConsumerReference()
        let (arriving, arrivals) = AsyncStream.makeStream(of: Worker.self)
        let hooks = RebalanceHooks(
            assigned: { try await self.assigned($0, arrivals) },
            revoked: { await self.revoked($0, isLost: $1, reference.consumer) })
        let consumer = try Consumer(kafka, topics: topics, hooks: hooks, logger: logger)
        reference.consumer = consumer
        defer { reference.consumer = nil }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.commitFromTimeToTime(consumer) }
            tasks.addTask { await self.lookAround(consumer) }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    // The first worker that fails ends the waiting for others.
                    try await self.work(arriving, consumer, onFailure: { arrivals.finish() })
                }
                tasks.addTask {
                    try await self.receiveUntilClosed(consumer)
                    arrivals.finish()
                }
                for try await _ in tasks {}
            }
            tasks.cancelAll()
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

    private func assigned(
        _ partitions: [TopicPartition], _ arrivals: AsyncStream<Worker>.Continuation
    ) async throws -> [TopicPartition: StartOffset] {
        hasLostSession.withLock { $0 = false }
        var starts: [TopicPartition: StartOffset] = [:]
        let places = partitions.map { GroupPartition(group: group, topic: $0.topic, partition: $0.partition) }
        let stored = try await handling.lanes(of: places + places.map(ReplayMark.place))
        let marks = stored.suffix(places.count).map(\.end)
        for ((partition, place), (lanes, mark)) in zip(zip(partitions, places), zip(stored, marks)) {
            starts[partition] = lanes.start.map { .at($0) } ?? start
            let worker = Worker(
                partition, place: place, lanes: lanes, replayEnd: mark, handling: handling, history: history,
                onHandled: { [handledSomething] in handledSomething.raise() })
            workers.withLock { $0[partition] = worker }
            arrivals.yield(worker)
        }
        logger.info("partitions assigned", metadata: name.merging(["starts": "\(starts)"]) { $1 })
        return starts
    }

    private func revoked(_ partitions: [TopicPartition], isLost: Bool, _ consumer: Consumer?) async {
        if isLost { hasLostSession.withLock { $0 = true } }
        let leaving = workers.withLock { workers in partitions.compactMap { workers.removeValue(forKey: $0) } }
        await withTaskGroup(of: Void.self) { tasks in
            for worker in leaving { tasks.addTask { await worker.finish() } }
        }
        if !isLost, let consumer { await commit(leaving, with: consumer) }
        logger.info(
            "partitions revoked", metadata: name.merging(["partitions": "\(partitions)", "lost": "\(isLost)"]) { $1 })
    }

    /// Runs the workers; each ends when its partition is given up.
    private func work(
        _ arriving: AsyncStream<Worker>, _ consumer: Consumer, onFailure: @escaping @Sendable () -> Void
    ) async throws {
        try await withThrowingDiscardingTaskGroup { tasks in
            for await worker in arriving {
                tasks.addTask {
                    do {
                        // A partition that is not assigned any more needs no resuming.
                        try await worker.run { try? await consumer.resume([$0]) }
                    } catch {
                        onFailure()
                        throw error
                    }
                }
            }
        }
    }

    /// From time to time: has the workers try parked records again where somebody wants it, and tells the lag.
    private func lookAround(_ consumer: Consumer) async {
        while !Task.isCancelled {
            await lookAfterDeadLetters()
            await tellLag(consumer)
            try? await clock.sleep(for: handling.configuration.deadLetterInterval)
        }
        handling.metrics.lag([:])
    }

    private func tellLag(_ consumer: Consumer) async {
        let workers = workers.withLock { $0 }
        guard let known = try? await consumer.knownWatermarks(Array(workers.keys)) else { return }
        var behind: [TopicPartition: Int64] = [:]
        for (partition, worker) in workers {
            guard let log = known[partition] else { continue }
            behind[partition] = max(0, log.upperBound - max(worker.handledUpTo ?? 0, log.lowerBound))
        }
        handling.metrics.lag(behind)
    }

    private func lookAfterDeadLetters() async {
        let (store, group) = (handling.store, group)
        do {
            let counts = try await store.transaction { try store.deadLetterCounts(of: group, in: $0) }
            handling.metrics.parkedKeys(counts.values.reduce(0) { $0 + $1.causes })
            for (place, count) in counts where count.retrying > 0 {
                let worker = workers.withLock { $0[TopicPartition(place.topic, place.partition)] }
                worker?.queue.look()
            }
        } catch {
            logger.debug("parked records cannot be looked at", metadata: ["error": "\(error)"])
        }
    }

    private var name: Logger.Metadata { ["group": "\(group)"] }

    // MARK: Records

    private func receive(from consumer: Consumer) async throws {
        for try await batch in consumer.batches {
            guard let worker = workers.withLock({ $0[batch.partition] }) else { continue }
            guard worker.queue.offer(batch) else { continue }
            try? await consumer.pause([batch.partition])
            if worker.queue.didPause() { try? await consumer.resume([batch.partition]) }
        }
    }

    // MARK: Offsets in Kafka

    private func commitFromTimeToTime(_ consumer: Consumer) async {
        while !Task.isCancelled {
            await handledSomething.wait()
            await commit(workers.withLock { Array($0.values) }, with: consumer)
            try? await clock.sleep(for: interval)
        }
    }

    private func commit(_ workers: [Worker], with consumer: Consumer) async {
        var offsets: [TopicPartition: Int64] = [:]
        for worker in workers { offsets[worker.partition] = worker.takeUncommitted() }
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
    /// A record as it was received, with its envelope read.
    public init(_ record: ConsumerRecord) {
        self.init(
            topic: record.topic, partition: record.partition, offset: record.offset,
            timestamp: record.timestamp.map(Timestamp.init(millisecondsSince1970:)), key: record.key,
            value: record.value, headers: record.headers.map { EventHeader($0.name, $0.value) })
    }
}
