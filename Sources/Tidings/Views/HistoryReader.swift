import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// Who takes what a ``HistoryReader`` reads.
protocol HistoryFollower: Sendable {
    /// Reading starts, or goes on, at these positions; the partitions end there now.
    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) async throws

    /// - Returns: false when it wants nothing more.
    func receive(_ batch: ConsumerBatch) async throws -> Bool

    /// Where to go on after what was received, in these partitions and all others it knows.
    func positions(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64]
}

/// Which partitions of its topics, by number, a ``HistoryReader`` reads; can be changed while it does.
final class PartitionSelection: Sendable {
    private let selected = Mutex<Set<Int32>>([])

    /// Raised by every change.
    let changed = OutboxSignal()

    var numbers: Set<Int32> { selected.withLock { $0 } }

    func change(to numbers: Set<Int32>) {
        let isOther = selected.withLock { selected in
            defer { selected = numbers }
            return selected != numbers
        }
        if isOther { changed.raise() }
    }
}

/// Reads the partitions of topics, from where its follower stands, and then stays with them: no group, no commits.
struct HistoryReader: Sendable {
    let name: String
    let topics: [String]
    let kafka: KafkaConfiguration
    let configuration: ViewConfiguration
    let clock: any Clock<Duration>
    let logger: Logger
    /// What to read; nil is every partition.
    var selection: PartitionSelection?

    private enum Ending: Sendable {
        case done
        /// A topic has got more partitions, or others are to be read.
        case repartitioned
        /// Kafka does not have what comes next.
        case outOfRange(KafkaError)
    }

    /// Reads until graceful shutdown or cancellation, or until the follower has had enough.
    ///
    /// - Throws: ``TidingsError/Code/historyMissing``, ``TidingsError/Code/offsetBeyondLog``; what the follower throws; a
    ///   Kafka error that will not pass by itself.
    func run(_ follower: some HistoryFollower) async throws {
        do {
            try await readOn(follower)
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // It waited for something that is not needed any more.
        }
    }

    private func readOn(_ follower: some HistoryFollower) async throws {
        let admin = try Admin(kafka, logger: logger)
        try await TopicDeclaration.ensure(configuration.declares, admin, configuration.backoff, clock, logger)
        // Where reading began without a position. While nothing has been read from there nothing is missed: the log's start
        // may move before it can be read.
        var unread: [TopicPartition: Int64] = [:]
        var failures = 0
        while !Task.isShuttingDownGracefully {
            let (positions, ranges) = try await persistently {
                let partitions = try await list(admin)
                // Where the log ends is asked after the positions: they may be those of others, who come further meanwhile.
                let positions = try await follower.positions(of: Set(partitions))
                return (positions, try await admin.watermarks(partitions))
            }
            let known = positions.filter { unread[$0.key] != $0.value }
            for (partition, position) in known { try check(position, of: partition, in: ranges[partition]) }
            let starts = ranges.reduce(into: [:]) { $0[$1.key] = known[$1.key] ?? $1.value.lowerBound }
            try await follower.start(starts, ends: ranges.mapValues(\.upperBound))
            unread = starts.filter { known[$0.key] == nil }
            switch try await read(starts, admin, follower) {
            case .done: return
            case .repartitioned: break
            case .outOfRange(let error):
                failures += 1
                logger.warning("Kafka has other records than those asked for", metadata: ["error": "\(error)"])
                await clock.rest(for: configuration.backoff.delay(after: failures))
            }
            try Task.checkCancellation()
        }
    }

    private func check(_ position: Int64, of partition: TopicPartition, in range: Range<Int64>?) throws {
        guard let range else {
            throw TidingsError(
                .offsetBeyondLog,
                "the view \(name) has read \(partition) up to \(position), and there is no such partition any more. "
                    + "If the topic was made anew, delete the snapshot, or set onLostHistory to .rebuild")
        }
        if position < range.lowerBound {
            throw TidingsError(
                .historyMissing,
                "the view \(name) has read \(partition) up to \(position), but Kafka has deleted what came before "
                    + "\(range.lowerBound). Keep records longer (retention.ms, retention.bytes) or compact the topic; "
                    + "to start anew with what is left delete the snapshot, or set onLostHistory to .rebuild")
        }
        if position > range.upperBound {
            throw TidingsError(
                .offsetBeyondLog,
                "the view \(name) has read \(partition) up to \(position), but Kafka's log ends at "
                    + "\(range.upperBound). If the topic was made anew, delete the snapshot, or set onLostHistory to "
                    + ".rebuild")
        }
    }

    // MARK: What there is

    /// The partitions, asked once.
    func partitionsThereAre() async throws -> [TopicPartition] { try await list(Admin(kafka, logger: logger)) }

    private func list(_ admin: Admin) async throws -> [TopicPartition] {
        let numbers = selection?.numbers
        return try await admin.metadata(topics: topics).topics.flatMap { topic in
            topic.partitions.lazy.map(\.id).filter { numbers?.contains($0) ?? true }
                .map { TopicPartition(topic.name, $0) }
        }
    }

    /// Waits for a Kafka that is away, and for topics that are not there yet.
    private func persistently<R: Sendable>(_ ask: () async throws -> R) async throws -> R {
        try await configuration.persistently(clock) { error in
            guard let error = error as? KafkaError, error.isRetriable || error.code == .unknownTopicOrPartition else {
                return false
            }
            logger.info("a view waits for Kafka", metadata: ["view": "\(name)", "error": "\(error)"])
            return true
        } _: {
            try await ask()
        }
    }

    // MARK: Reading

    private func read(
        _ starts: [TopicPartition: Int64], _ admin: Admin, _ follower: some HistoryFollower
    ) async throws -> Ending {
        var reading = ConsumerConfiguration(kafka, groupID: name)
        reading.offsetReset = .fail
        reading.reportsEnds = true
        reading.maximumBatchSize = configuration.maximumBatchCount
        // Bytes decide, however small the records.
        reading.prefetchedMessages = 10_000_000
        reading.prefetchedBytes = max(1 << 20, configuration.prefetchedBytes / max(1, starts.count))
        return try await withThrowingTaskGroup(of: Ending?.self) { tasks in
            if starts.isEmpty {
                tasks.addTask {
                    try await gracefulShutdown()
                    return .done
                }
            } else {
                let consumer = try Consumer(reading, partitions: starts.mapValues { .at($0) }, logger: logger)
                tasks.addTask { try await endingIfOutOfRange { try await consumer.run() } }
                tasks.addTask {
                    try await endingIfOutOfRange {
                        for try await batch in consumer.batches {
                            guard try await follower.receive(batch) else { return }
                        }
                    } ?? .done
                }
            }
            tasks.addTask { try await watchPartitions(Set(starts.keys), admin) }
            if let selection {
                tasks.addTask {
                    await selection.changed.wait()
                    return .repartitioned
                }
            }
            while let ending = try await tasks.next() {
                guard let ending else { continue }
                tasks.cancelAll()
                while await tasks.nextResult() != nil {}
                return ending
            }
            return .done
        }
    }

    private func endingIfOutOfRange(_ body: () async throws -> Void) async throws -> Ending? {
        do {
            try await body()
            return nil
        } catch let error as KafkaError where error.code == .offsetOutOfRange {
            return .outOfRange(error)
        }
    }

    /// Returns when there are partitions beyond those known.
    private func watchPartitions(_ known: Set<TopicPartition>, _ admin: Admin) async throws -> Ending {
        while true {
            try await clock.sleep(for: configuration.partitionCheckInterval)
            let now = try await persistently { try await list(admin) }
            if !known.isSuperset(of: now) { return .repartitioned }
        }
    }
}
