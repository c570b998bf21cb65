import KafkaClient
import Logging

/// Finds where the records of partitions end: behind the last of them there may be a transaction's markers, or what
/// compaction and aborted transactions have left empty.
struct LogTail: Sendable {
    let kafka: KafkaConfiguration
    let logger: Logger

    /// How many offsets are looked at first, from the end.
    private static let firstLook: Int64 = 64

    /// For each range the offset behind its last record that readers of committed records see; its start if it has none.
    func endsOfRecords(in ranges: [TopicPartition: Range<Int64>]) async throws -> [TopicPartition: Int64] {
        var ends = ranges.filter(\.value.isEmpty).mapValues(\.lowerBound)
        var open = ranges.filter { !$0.value.isEmpty }
        var length = Self.firstLook
        while !open.isEmpty {
            let starts = open.mapValues { max($0.lowerBound, $0.upperBound - length) }
            let found = try await lastRecords(from: starts, to: open.mapValues(\.upperBound))
            for (partition, range) in open {
                if let last = found[partition] {
                    ends[partition] = last + 1
                } else if starts[partition] == range.lowerBound {
                    ends[partition] = range.lowerBound
                } else {
                    continue
                }
                open[partition] = nil
            }
            length *= 16
        }
        return ends
    }

    private func lastRecords(
        from starts: [TopicPartition: Int64], to ends: [TopicPartition: Int64]
    ) async throws -> [TopicPartition: Int64] {
        var last: [TopicPartition: Int64] = [:]
        let reader = BoundedReader(kafka: kafka, name: "tidings-tail", logger: logger)
        try await reader.read(from: starts, to: ends) { batch in
            let end = ends[batch.partition] ?? 0
            if let record = batch.last(where: { $0.offset < end }) { last[batch.partition] = record.offset }
            return true
        }
        return last
    }
}
