/// Where a group's offsets are to be set to.
public enum OffsetTarget: Hashable, Sendable {
    /// That point of each partition.
    case point(LogPoint)
    /// So many offsets after what the group has committed, or before it if negative; where it has committed nothing,
    /// after the beginning.
    case shift(Int64)
}

/// What setting a group's offset would do in one partition.
public struct OffsetMove: Hashable, Sendable {
    /// The partition.
    public let partition: TopicPartition
    /// What the group has committed; nil if nothing.
    public let committed: Int64?
    /// The next offset that it would read.
    public let target: Int64
    /// What the partition holds.
    public let log: Range<Int64>

    /// How many offsets would be read again; negative where some would be passed over.
    public var repeated: Int64 { (committed ?? log.lowerBound) - target }
}

extension Admin {
    /// What setting a group's offsets would do; ``alterOffsets(ofGroup:to:)`` does it.
    ///
    /// - Returns: a move for each partition, in their order, also for those where nothing would change.
    public func moves(
        ofGroup group: String, in partitions: [TopicPartition], to target: OffsetTarget
    ) async throws -> [OffsetMove] {
        let committed = try await committedOffsets(ofGroup: group, partitions: partitions)
        let ranges = try await watermarks(partitions)
        let targets: [TopicPartition: Int64]
        switch target {
        case .point(let point):
            targets = try await offsets(at: point, within: ranges)
        case .shift(let count):
            targets = ranges.reduce(into: [:]) { targets, entry in
                let (sum, isTooLarge) = (committed[entry.key] ?? entry.value.lowerBound).addingReportingOverflow(count)
                let end = count < 0 ? entry.value.lowerBound : entry.value.upperBound
                targets[entry.key] = isTooLarge ? end : entry.value.clamp(sum)
            }
        }
        return ranges.sorted { $0.key < $1.key }.map { partition, range in
            OffsetMove(
                partition: partition, committed: committed[partition], target: targets[partition] ?? range.lowerBound,
                log: range)
        }
    }
}
