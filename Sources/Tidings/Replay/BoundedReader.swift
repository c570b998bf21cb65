import KafkaClient
import Logging

/// Reads partitions from somewhere to somewhere, as no member of any group, and ends.
struct BoundedReader: Sendable {
    let kafka: KafkaConfiguration
    /// The name that is used where Kafka wants a group's.
    let name: String
    var maximumBatchCount = 1000
    let logger: Logger

    /// Hands out batches until each partition has come to its end, or to the end of what may be read of it now: behind
    /// that there is a transaction that is still open, or no record. A batch may reach beyond the end.
    ///
    /// - Parameter body: returns false when it wants nothing more.
    /// - Throws: ``/KafkaClient/KafkaError`` `offsetOutOfRange` for a start that the partition does not have; what `body` throws.
    func read(
        from starts: [TopicPartition: Int64], to ends: [TopicPartition: Int64],
        _ body: (ConsumerBatch) async throws -> Bool
    ) async throws {
        var open = starts.filter { $0.value < ends[$0.key] ?? 0 }
        if open.isEmpty { return }
        var reading = ConsumerConfiguration(kafka, groupID: name)
        reading.offsetReset = .fail
        reading.reportsEnds = true
        reading.maximumBatchSize = maximumBatchCount
        let consumer = try Consumer(reading, partitions: open.mapValues { .at($0) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            for try await batch in consumer.batches {
                guard try await body(batch) else { break }
                if batch.reachesEnd || batch.nextOffset >= ends[batch.partition] ?? 0 { open[batch.partition] = nil }
                if open.isEmpty { break }
            }
            tasks.cancelAll()
            while await tasks.nextResult() != nil {}
        }
    }
}
