import KafkaClient
import Logging

/// Watches from outside how far a group's handlers have come with what they were set back to.
///
/// ```swift
/// let watch = try await ReplayWatch(rewind, kafka: kafka, logger: logger)
/// let progress = try await watch.look()     // as often as wanted
/// ```
public struct ReplayWatch<S: Store>: Sendable {
    /// How far they have come.
    public struct Progress: Hashable, Sendable {
        /// So many offsets are handled.
        public let handled: Int64
        /// Of so many that were there when the watch began.
        public let total: Int64
        /// Whether all is handled that was there then.
        public let isDone: Bool
    }

    private let rewind: Rewind<S>
    private let ends: [TopicPartition: Int64]

    /// Begins: the end is where the last records are now.
    ///
    /// - Throws: ``/KafkaClient/KafkaError``.
    public init(_ rewind: Rewind<S>, kafka: KafkaConfiguration, logger: Logger) async throws {
        self.rewind = rewind
        let logs = Dictionary(
            uniqueKeysWithValues: rewind.places.map { ($0.partition, $0.target..<max($0.target, $0.log.upperBound)) })
        ends = try await LogTail(kafka: kafka, logger: logger).endsOfRecords(in: logs)
    }

    /// Asks the database and Kafka.
    public func look() async throws -> Progress {
        let (store, places) = (rewind.store, rewind.places)
        let group = rewind.group
        let lanes = try await store.transaction { transaction in
            try places.map { place in
                try store.lanes(
                    of: GroupPartition(
                        group: group, topic: place.partition.topic, partition: place.partition.partition),
                    in: transaction)
            }
        }
        let committed = try await rewind.admin.committedOffsets(ofGroup: group, partitions: places.map(\.partition))
        var (handled, total, isDone) = (Int64(0), Int64(0), true)
        for (place, lanes) in zip(places, lanes) {
            let end = ends[place.partition] ?? place.target
            let offsets = lanes.map { $0.offset ?? place.target }
            var reached = offsets.min() ?? place.target
            // A lane that gets no records stays where it is; when all lanes were there, Kafka is told.
            let furthest = offsets.max() ?? place.target
            if reached < end, furthest >= end, committed[place.partition] ?? 0 >= end { reached = end }
            total += end - place.target
            handled += min(end, max(place.target, reached)) - place.target
            if reached < end { isDone = false }
        }
        return Progress(handled: handled, total: total, isDone: isDone)
    }
}
