/// Up to where a partition's records are a replay for a group: kept as the one offset of a group of its own, beside
/// those of the group that was set back, so that every store has room for it.
enum ReplayMark {
    /// Where the mark of a place is kept.
    static func place(_ place: GroupPartition) -> GroupPartition {
        GroupPartition(group: place.group + " (replayed)", topic: place.topic, partition: place.partition)
    }

    /// What had been handled stays marked until it has been handled again. For a group that is new, all that is there
    /// now is a replay.
    static func state<S>(_ planned: Rewind<S>.Place, _ lanes: [LaneState], _ before: [LaneState]) -> LaneState {
        let handled = lanes.lazy.compactMap(\.offset).max() ?? planned.log.upperBound
        return LaneState(.only, offset: max(handled, before.first?.offset ?? 0))
    }
}
