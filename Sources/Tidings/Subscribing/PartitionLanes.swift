/// A partition's lanes as they are stored: where reading starts, and which records are whose.
struct PartitionLanes: Hashable, Sendable {
    /// As stored, in the order of their numbers; empty where the group has never been.
    var states: [LaneState]

    init(_ states: [LaneState]) {
        self.states = states
    }

    /// As a store has them. A lane whose row was removed by hand has handled nothing, and starts anew.
    ///
    /// - Throws: ``TidingsError/Code/inconsistentOffsets`` for lanes of several divisions.
    init(stored: [LaneState], of place: GroupPartition) throws {
        let count = stored.first?.lane.count ?? 0
        let numbers = Set(stored.map(\.lane.index))
        guard numbers.count == stored.count, numbers.allSatisfy({ (0..<count).contains($0) }),
            stored.allSatisfy({ $0.lane.count == count })
        else { throw TidingsError.inconsistentOffsets(place, stored.map(\.lane)) }
        let removed = Set(0..<count).subtracting(numbers).map { LaneState(Lane($0, of: count), offset: nil) }
        states = (stored + removed).sorted { $0.lane.index < $1.lane.index }
    }

    /// Those that the store has.
    var stored: [LaneState] { states.filter { $0.offset != nil } }

    /// Where reading starts: some lanes may be further and pass over what they have done. Nil where one has done
    /// nothing.
    var start: Int64? { isComplete ? states.lazy.compactMap(\.offset).min() : nil }

    /// How far the furthest lane is.
    var end: Int64? { states.lazy.compactMap(\.offset).max() }

    /// Whether each lane has come somewhere.
    var isComplete: Bool { states.allSatisfy { $0.offset != nil } }

    /// Divides deliveries by their keys; each lane gets its own in order.
    func split(_ deliveries: ArraySlice<Delivery>) -> [[Delivery]] {
        if states.count == 1 { return [Array(deliveries)] }
        var lanes = [[Delivery]](repeating: [], count: states.count)
        for delivery in deliveries {
            lanes[PartitionLanes.lane(of: delivery.key, count: states.count)].append(delivery)
        }
        return lanes
    }

    /// The lanes of another division, all as far as the furthest is: to be stored once every lane has come as far.
    ///
    /// Each new lane remembers what any of the old ones did: with all records before this offset handled, whatever one
    /// of them has seen is a duplicate for everybody.
    func divided(into count: Int32, at offset: Int64) -> [LaneState] {
        var memories: [StampSource: StampMemory] = [:]
        for state in states { memories.merge(state.memories) { $0.merging($1) } }
        return (0..<count).map { LaneState(Lane($0, of: count), offset: offset, memories: memories) }
    }

    /// FNV-1a with its bits mixed at the end, the same in every process. Kafka's own hash has chosen the partition, and
    /// would put all of a partition's keys into the same few lanes. Records without a key are lane 0's.
    static func lane(of key: [UInt8]?, count: Int) -> Int {
        guard let key else { return 0 }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        hash = hash &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        return Int(hash % UInt64(count))
    }
}

extension TidingsError {
    fileprivate static func inconsistentOffsets(_ place: GroupPartition, _ lanes: [Lane]) -> TidingsError {
        TidingsError(
            .inconsistentOffsets,
            """
            the database has offsets of \(place.group) in \(place.topic)-\(place.partition) for lanes that do not belong \
            together (\(lanes.map(\.description).joined(separator: ", "))). Nothing was handled. Remove the rows of the \
            partition that are not to be (tidings_offset)
            """)
    }
}
