import KafkaProtocol

/// Limits that a group keeps, with Kafka's names and defaults except for the initial delay: a single node sees no
/// thundering herd, so the first member does not wait for others unless told to.
struct GroupLimits: Sendable {
    /// `group.initial.rebalance.delay.ms`
    var initialRebalanceDelay: Milliseconds = 0
    /// `group.min.session.timeout.ms`
    var minSessionTimeout: Milliseconds = 6_000
    /// `group.max.session.timeout.ms`
    var maxSessionTimeout: Milliseconds = 1_800_000
    /// `group.max.size`
    var maxSize: Int = Int(Int32.max)
    /// `offsets.retention.minutes`
    var offsetsRetention: Milliseconds = 604_800_000

    init() {}

    init(_ configuration: BrokerConfiguration) {
        initialRebalanceDelay = configuration.groupInitialRebalanceDelay
        minSessionTimeout = configuration.groupMinSessionTimeout
        maxSessionTimeout = configuration.groupMaxSessionTimeout
        maxSize = configuration.groupMaxSize
        offsetsRetention = configuration.offsetsRetentionMinutes * 60_000
    }
}

/// A consumer group of the classic protocol: a pure state machine. Events come in as calls with the time of day as an
/// argument, consequences go out as `GroupEffect`s; it owns no clock, no socket and no file, and it is confined to
/// whoever owns the value (the coordinator's event loop).
///
///     Empty ──join──▶ PreparingRebalance ──all joined / time up──▶ CompletingRebalance ──leader's sync──▶ Stable
///       ▲                  ▲      │                                      │                                  │
///       └── nobody left ───┼──────┘                                      │                                  │
///                          └────────── join, leave, death ───────────────┴──────────────────────────────────┘
///
/// What a generation promises: all members that were given it agree on one leader and one protocol, and each sync of it
/// answers from one assignment, which is on disk before the first member sees it.
struct Group: Sendable {
    enum State: String, Sendable {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
        case dead = "Dead"
    }

    let id: String
    var limits: GroupLimits
    var state: State = .empty
    var generation: Int32 = 0
    var protocolType: String?
    var protocolName: String?
    var leader: String?
    var members: [String: GroupMember] = [:]
    /// instance id → the member id that carries it now
    var staticMembers: [String: String] = [:]
    /// Member ids that were handed out and not used yet, with the time they expire.
    var pendingMembers: [String: Milliseconds] = [:]
    var offsets = GroupOffsets()
    /// Since when it has had no members, by the wall clock; nil while it has some, or when that is not known.
    var emptySince: Int64?

    /// PreparingRebalance: when it goes on without those who have not rejoined. CompletingRebalance, and Stable while some
    /// have not synced: when these are dropped. Otherwise nil.
    var phaseDeadline: Milliseconds?
    /// While the group fills for the first time: the end of the grace that newcomers can extend.
    var initialJoinEnd: Milliseconds?
    var arrivedDuringInitialJoin = false
    /// Members that got this generation and have not asked for their share.
    var pendingSync: Set<String> = []
    /// Set between the leader's sync and its arrival on disk.
    var persistingRevision: UInt64?
    /// Static members that came back to a stable generation: the first one's new id is on its way to the disk, the
    /// others wait for it.
    var returning: [StaticReturn] = []
    var nextRevision: UInt64 = 1
    var nextArrival: UInt64 = 0

    init(id: String, limits: GroupLimits = GroupLimits()) {
        self.id = id
        self.limits = limits
    }

    /// Members in order of arrival.
    var membersInOrder: [GroupMember] {
        members.values.sorted { $0.joinedAt < $1.joinedAt }
    }

    /// A group that holds nothing any more may be forgotten.
    var isForgettable: Bool {
        members.isEmpty && pendingMembers.isEmpty && offsets.isEmpty && persistingRevision == nil
            && returning.isEmpty
    }

    /// The next time `tick` has something to do, nil when nothing is due.
    var nextDeadline: Milliseconds? {
        // Nobody is dropped while the assignment is on its way to the disk.
        var deadline = persistingRevision == nil ? phaseDeadline : nil
        for member in members.values where !member.isParked {
            deadline = min(deadline ?? member.sessionDeadline, member.sessionDeadline)
        }
        for pending in pendingMembers.values {
            deadline = min(deadline ?? pending, pending)
        }
        return deadline
    }

    /// Brings the group up to `now`: members and pending ids whose time is up go, phases end.
    mutating func tick(now: Milliseconds) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for (memberID, deadline) in pendingMembers where deadline <= now {
            pendingMembers[memberID] = nil
        }
        let dead = membersInOrder.filter { !$0.isParked && $0.sessionDeadline <= now }
        for member in dead {
            effects += remove(memberID: member.id)
        }
        if !dead.isEmpty { effects += membershipChanged(now: now) }
        if state == .preparingRebalance {
            effects += completeJoinIfReady(now: now)
        } else if persistingRevision == nil, let deadline = phaseDeadline, deadline <= now {
            effects += expirePendingSync(now: now)
        }
        return effects
    }

    /// The group as the internal log keeps it.
    func snapshot(assignments: [String: [UInt8]]? = nil, revision: UInt64 = 0) -> GroupSnapshot {
        GroupSnapshot(
            groupID: id, generation: generation, protocolType: protocolType ?? "", protocolName: protocolName,
            leader: leader, revision: revision, stateTimestamp: emptySince,
            members: membersInOrder.map { member in
                GroupSnapshot.Member(
                    id: member.id, instanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, sessionTimeout: member.sessionTimeout,
                    rebalanceTimeout: member.rebalanceTimeout, metadata: member.metadata(of: protocolName),
                    assignment: assignments.map { $0[member.id] ?? [] } ?? member.assignment)
            })
    }

    /// Takes over what the log held: members go on heartbeating in their generation as if nothing had happened, each
    /// with a fresh session.
    mutating func restore(_ snapshot: GroupSnapshot, now: Milliseconds) {
        generation = snapshot.generation
        protocolType = snapshot.protocolType.isEmpty ? nil : snapshot.protocolType
        protocolName = snapshot.protocolName
        leader = snapshot.leader
        members = [:]
        staticMembers = [:]
        for stored in snapshot.members {
            members[stored.id] = GroupMember(
                id: stored.id, instanceID: stored.instanceID, clientID: stored.clientID, clientHost: stored.clientHost,
                sessionTimeout: stored.sessionTimeout, rebalanceTimeout: stored.rebalanceTimeout,
                protocols: [GroupProtocol(name: snapshot.protocolName ?? "", metadata: stored.metadata)],
                assignment: stored.assignment, joinedAt: nextArrival, sessionDeadline: now + stored.sessionTimeout)
            nextArrival += 1
            if let instanceID = stored.instanceID { staticMembers[instanceID] = stored.id }
        }
        state = members.isEmpty ? .empty : .stable
        emptySince = members.isEmpty ? snapshot.stateTimestamp : nil
    }
}
