import ArgumentParser
import KafkaClient
import Tidings

/// A topic, or some of its partitions: `order`, `order:0,3`.
struct TopicSelection: Written, Hashable, Sendable {
    static let forms = "a topic's name, and behind a colon the numbers of partitions: order, or order:0,3"

    let topic: String
    /// Nil is all of them.
    let partitions: [Int32]?

    init?(argument: String) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        topic = String(name)
        guard parts.count == 2 else {
            partitions = nil
            return
        }
        let numbers = parts[1].split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) }
        guard !numbers.contains(where: { $0 == nil || $0! < 0 }) else { return nil }
        partitions = numbers.compactMap(\.self)
    }
}

extension Cluster {
    /// The partitions that were named.
    ///
    /// - Throws: ``CommandFailure`` for a topic or a partition that is not there.
    func partitions(of selections: [TopicSelection]) async throws -> [TopicPartition] {
        let topics = try await topics(named: selections.map(\.topic))
        var all: Set<TopicPartition> = []
        for (selection, topic) in zip(selections, topics) {
            let numbers = topic.partitions.map(\.id)
            for wanted in selection.partitions ?? numbers {
                guard numbers.contains(wanted) else {
                    throw CommandFailure.notThere(
                        "'\(topic.name)' has no partition \(wanted), but \(counted(numbers.count, "partition")), from 0"
                    )
                }
                all.insert(TopicPartition(topic.name, wanted))
            }
        }
        return all.sorted()
    }
}

/// A time as RFC 3339 has it, or a day.
struct Time: Written, Hashable, Sendable {
    static let forms = "a time as 2026-11-27T10:00:00Z (RFC 3339), or a day as 2026-11-27"

    let time: Timestamp

    init?(argument: String) {
        guard let time = Timestamp(rfc3339: argument) ?? Timestamp(rfc3339: argument + "T00:00:00Z") else { return nil }
        self.time = time
    }
}
