import KafkaClient

/// How far a subscription has come that handles what is there and ends.
public struct CatchUp: Hashable, Sendable {
    /// So many offsets are handled.
    public internal(set) var handled: Int64 = 0
    /// Of so many that there were at the start.
    public internal(set) var total: Int64 = 0
}

extension Subscription {
    /// Handles what its group has not handled yet, up to a point, and returns: for a job that runs from time to time,
    /// or for a replay that ends.
    ///
    /// ```swift
    /// let rewind = try await Rewind.plan(of: "invoicing-2", in: partitions, to: .beginning, store: store, admin: admin)
    /// try await rewind.execute()
    /// try await subscription.catchUp { print($0.handled, "of", $0.total) }
    /// ```
    ///
    /// Effects and offsets go into the database as in ``run()``, with the same guarantees: it may be stopped or killed
    /// at any time, and goes on where it was. It is no member of its group, and refuses to begin while the group has
    /// members; one that joins meanwhile makes it end with ``TidingsError/Code/offsetsMoved``. The partitions are
    /// handled in turns, each in its lanes.
    ///
    /// - Parameters:
    ///   - end: the point to stop at; by default where the partitions end now.
    ///   - progress: told after each batch.
    /// - Returns: how far it came, which is less than all where a transaction is still open in Kafka.
    /// - Throws: ``TidingsError/Code/groupInUse``, ``TidingsError/Code/historyMissing`` and what else ``run()`` throws;
    ///   `CancellationError`.
    @discardableResult
    public func catchUp(until end: LogPoint = .end, progress: (CatchUp) -> Void = { _ in }) async throws -> CatchUp {
        let admin = try Admin(kafka, logger: logger)
        if let group = try await admin.describeGroups([group]).first, !group.members.isEmpty {
            throw TidingsError(.groupInUse, "\(group.groupID) has members, which handle what there is")
        }
        let partitions = try await allPartitions(admin)
        let logs = try await admin.watermarks(partitions)
        let ends = try await admin.offsets(at: end, in: partitions)
        let workers = try await workers(partitions)
        let starts = Dictionary(
            uniqueKeysWithValues: workers.map { partition, worker in
                let first = logs[partition]?.lowerBound ?? 0
                return (partition, max(first, worker.start ?? first))
            })
        var result = CatchUp()
        result.total = starts.reduce(0) { $0 + max(0, ends[$1.key, default: 0] - $1.value) }
        var positions = starts
        do {
            try await reader.read(from: starts, to: ends) { batch in
                let (end, worker) = (ends[batch.partition] ?? 0, workers[batch.partition])
                _ = try await worker?.handle(batch, upTo: end)
                let reached = min(end, batch.nextOffset)
                result.handled += max(0, reached - (positions[batch.partition] ?? reached))
                positions[batch.partition] = max(reached, positions[batch.partition] ?? 0)
                progress(result)
                return true
            }
        } catch is PartitionWorker<S>.SetBack {
            throw TidingsError(
                .offsetsMoved,
                "another instance of \(group) has handled records meanwhile; what was in hand had no effect",
                isRetriable: true)
        }
        for worker in workers.values { await worker.evenOut() }
        // For those who look there: the database knows.
        let moved = positions.filter { $0.value > starts[$0.key] ?? 0 }
        try? await admin.alterOffsets(ofGroup: group, to: moved)
        return result
    }

    private var reader: BoundedReader {
        BoundedReader(
            kafka: kafka, name: group, maximumBatchCount: configuration.maximumBatchCount, logger: logger)
    }

    private func workers(_ partitions: [TopicPartition]) async throws -> [TopicPartition: PartitionWorker<S>] {
        let handling = makeHandling()
        let history = LogHistory(
            kafka, onMissing: configuration.onMissingHistory, backoff: configuration.backoff, clock: handling.clock,
            metrics: handling.metrics, logger: logger)
        let places = partitions.map { GroupPartition(group: group, topic: $0.topic, partition: $0.partition) }
        let stored = try await handling.lanes(of: places + places.map(ReplayMark.place))
        let marks = stored.suffix(places.count).map(\.end)
        var workers: [TopicPartition: PartitionWorker<S>] = [:]
        for (partition, (place, (lanes, mark))) in zip(partitions, zip(places, zip(stored, marks))) {
            workers[partition] = PartitionWorker(
                partition, place: place, lanes: lanes, replayEnd: mark, handling: handling, history: history,
                onHandled: {})
        }
        return workers
    }
}
