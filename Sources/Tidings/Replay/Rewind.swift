import KafkaClient

/// Sets a group of handlers back in its history, so that it handles records again; or gives a new group its start.
///
/// ```swift
/// let yesterday = LogPoint.time(Timestamp.now().advanced(by: .seconds(-86_400)).millisecondsSince1970)
/// let rewind = try await Rewind.plan(of: "invoicing", in: partitions, to: yesterday, store: store, admin: admin)
/// for place in rewind.places { print(place.partition, place.repeated) }      // so far, nothing has changed
/// try await rewind.execute()
/// ```
///
/// What a group has handled is true in its database, so it is moved there, in one transaction for all partitions and
/// only if it still is what the plan saw; Kafka is told afterwards. Every handler's effects then happen again, in the
/// same order: handlers must stand that, as ``Delivery/isReplayed`` helps them to. What the group remembers of stamps
/// from behind its new place is forgotten: of two records that are duplicates of each other, one before the point and
/// one behind it, the second has its effect, too.
public struct Rewind<S: Store>: Sendable {
    /// What the rewinding does in one partition.
    public struct Place: Sendable {
        /// The partition.
        public let partition: TopicPartition
        /// The offset up to which all is handled; nil where the group has never been.
        public let handled: Int64?
        /// The offset of the next record to be handled then.
        public let target: Int64
        /// What the partition holds.
        public let log: Range<Int64>
        /// The member of the group that has the partition now; nil if none has.
        public let member: String?

        /// How many offsets will be handled again, or for the first time by a new group; negative where some are
        /// passed over unhandled.
        public var repeated: Int64 { (handled ?? log.upperBound) - target }

        let lanes: [LaneState]
        let mark: LaneState?

        /// Up to where it has come in the furthest of its lanes.
        var end: Int64? { lanes.lazy.compactMap(\.offset).max() }
    }

    /// The group.
    public let group: String
    /// What happens in each partition, in their order.
    public let places: [Place]
    /// Whether the group has no offset in any of these partitions: it is a new one, or its name is wrong.
    public var isNewGroup: Bool { places.allSatisfy { $0.lanes.isEmpty } }

    let store: S
    let admin: Admin

    /// Looks what setting a group to a point of its partitions would do.
    ///
    /// - Throws: ``/KafkaClient/KafkaError``; an error of the database; ``TidingsError/Code/inconsistentOffsets``.
    public static func plan(
        of group: String, in partitions: [TopicPartition], to point: LogPoint, store: S, admin: Admin
    ) async throws -> Rewind {
        let logs = try await admin.watermarks(partitions)
        let targets = try await admin.offsets(at: point, in: partitions)
        let owners = try await owners(of: group, admin)
        let told = try await admin.committedOffsets(ofGroup: group, partitions: partitions)
        let places = logs.keys.sorted().map { GroupPartition(group: group, topic: $0.topic, partition: $0.partition) }
        let stored = try await store.transaction { transaction in
            try places.map { place in
                (
                    try PartitionLanes(stored: store.lanes(of: place, in: transaction), of: place),
                    try store.lanes(of: ReplayMark.place(place), in: transaction).first
                )
            }
        }
        return Rewind(
            group: group,
            places: zip(places, stored).map { place, stored in
                let partition = TopicPartition(place.topic, place.partition)
                return Place(
                    partition: partition, handled: handled(stored.0, told: told[partition]),
                    target: targets[partition] ?? 0,
                    log: logs[partition] ?? 0..<0, member: owners[partition], lanes: stored.0.stored, mark: stored.1)
            }, store: store, admin: admin)
    }

    /// A lane that gets no records stays where it is; when all lanes have come somewhere, Kafka is told.
    static func handled(_ lanes: PartitionLanes, told: Int64?) -> Int64? {
        guard let start = lanes.start, let told, let furthest = lanes.stored.lazy.compactMap(\.offset).max() else {
            return lanes.start
        }
        return max(start, min(told, furthest))
    }

    /// Does it, in one transaction, and tells Kafka afterwards where the group now is.
    ///
    /// - Parameter force: also while members of the group have the partitions. None of their effects is lost or doubled
    ///   by that: each finds out with the next record it handles, joins its group anew and reads from there.
    /// - Throws: ``TidingsError/Code/groupInUse`` while members have partitions, or the group is being rebalanced;
    ///   ``TidingsError/Code/offsetsMoved`` when the group has come further since the plan was made, which `force` makes
    ///   no matter; ``/KafkaClient/KafkaError``; an error of the database. Nothing has changed then.
    public func execute(force: Bool = false) async throws {
        let owners = try await Self.owners(of: group, admin)
        if !force, let owner = places.lazy.compactMap({ owners[$0.partition] }).first {
            throw TidingsError(
                .groupInUse,
                "\(owner), a member of \(group), has partitions that are to be set back; stop the group's instances "
                    + "first, or force it")
        }
        for attempt in 1... {
            do {
                try await move(force: force)
                break
            } catch let error as TidingsError where error.code == .offsetsMoved && force && attempt < 20 {
                // A member has handled something between the look and the move.
            }
        }
        if owners.isEmpty {
            // For those who look there: the database knows, and each commit of a member makes up for it.
            let offsets = Dictionary(uniqueKeysWithValues: places.map { ($0.partition, $0.target) })
            try? await admin.alterOffsets(ofGroup: group, to: offsets)
        }
    }

    private func move(force: Bool) async throws {
        let (group, places, store) = (group, places, store)
        try await store.transaction { transaction in
            for planned in places {
                let place = GroupPartition(
                    group: group, topic: planned.partition.topic, partition: planned.partition.partition)
                let lanes = force ? try store.lanes(of: place, in: transaction) : planned.lanes
                let marking = ReplayMark.place(place)
                let mark = try store.lanes(of: marking, in: transaction)
                guard
                    try store.divide(
                        place, from: lanes, into: Self.rewound(lanes, to: planned.target), in: transaction),
                    try store.divide(
                        marking, from: mark, into: [ReplayMark.state(planned, lanes, mark)], in: transaction)
                else {
                    throw TidingsError(
                        .offsetsMoved,
                        "\(group) has gone on in \(planned.partition) meanwhile; nothing was set back. Look again, "
                            + "and stop its instances", isRetriable: true)
                }
            }
        }
    }

    /// The same lanes at another offset. Each remembers what it did only where it is not set back.
    static func rewound(_ lanes: [LaneState], to target: Int64) -> [LaneState] {
        let count = lanes.first?.lane.count ?? 1
        return (0..<count).map { index in
            let lane = Lane(index, of: count)
            let before = lanes.first { $0.lane == lane }
            let isSetBack = before?.offset.map { $0 > target } ?? true
            return LaneState(lane, offset: target, memories: isSetBack ? [:] : before?.memories ?? [:])
        }
    }

    /// Who has which partition; a group that is being rebalanced has none to tell, and counts as having all.
    private static func owners(of group: String, _ admin: Admin) async throws -> [TopicPartition: String] {
        guard let description = try await admin.describeGroups([group]).first else { return [:] }
        switch description.state {
        case .preparingRebalance, .completingRebalance:
            throw TidingsError(
                .groupInUse, "\(group) is being rebalanced: its members come or go", isRetriable: true)
        default: break
        }
        var owners: [TopicPartition: String] = [:]
        for member in description.members {
            for partition in member.assignment { owners[partition] = member.groupInstanceID ?? member.memberID }
        }
        return owners
    }
}
