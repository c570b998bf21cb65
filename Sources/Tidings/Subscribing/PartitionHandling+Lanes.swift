/// The lanes of a partition, as the database has them.
extension PartitionHandling {
    /// What the database holds of these partitions, however long it takes to answer.
    func lanes(of places: [GroupPartition], stop: Latch = Latch()) async throws -> [PartitionLanes] {
        let store = store
        return try await persistently(stop) {
            try await store.transaction { transaction in
                try places.map { try PartitionLanes(stored: store.lanes(of: $0, in: transaction), of: $0) }
            }
        }
    }

    /// Divides a partition anew.
    ///
    /// - Returns: the lanes as they are now: others than those asked for when someone else was faster.
    func divide(
        _ place: GroupPartition, from lanes: PartitionLanes, into new: [LaneState], stop: Latch
    ) async throws -> PartitionLanes {
        let store = store
        return try await persistently(stop) {
            do {
                try await store.transaction { transaction in
                    guard try store.divide(place, from: lanes.stored, into: new, in: transaction) else {
                        throw StaleOffset()
                    }
                }
                return PartitionLanes(new)
            } catch is StaleOffset {
                return try await store.transaction {
                    try PartitionLanes(stored: store.lanes(of: place, in: $0), of: place)
                }
            }
        }
    }

    /// Brings lanes that had nothing to do up to where the others are, so that nobody has to read all that again.
    ///
    /// - Throws: `StaleOffset` when one of them is elsewhere.
    func advance(_ place: GroupPartition, _ lanes: PartitionLanes, to end: Int64) async throws -> PartitionLanes {
        let store = store
        try await store.transaction { transaction in
            var place = place
            for state in lanes.states where state.offset ?? end < end {
                place.lane = state.lane
                guard try store.advance(place, from: state.offset, to: end, in: transaction) else {
                    throw StaleOffset()
                }
            }
        }
        return PartitionLanes(
            lanes.states.map { LaneState($0.lane, offset: max($0.offset ?? end, end), memories: $0.memories) })
    }

    func persistently<R: Sendable>(_ stop: Latch, _ body: () async throws -> R) async throws -> R {
        var attempt = Attempt()
        while true {
            do {
                return try await body()
            } catch  where store.isRetriable(error) {
                guard try await wait(for: error, &attempt, stop) else { throw CancellationError() }
            }
        }
    }
}
