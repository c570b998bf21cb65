/// Milliseconds of a monotonic clock whose zero means nothing; pure state machines get it as an argument.
typealias Milliseconds = Int64

/// The request a parked answer belongs to; the coordinator maps it to a promise.
struct GroupTicket: Hashable, Sendable {
    let rawValue: UInt64
}

/// A protocol (assignment strategy) that a member offers, best first, with the metadata its leader will read.
struct GroupProtocol: Hashable, Sendable {
    var name: String
    var metadata: [UInt8]
}

/// One consumer of a group, as the classic protocol knows it.
struct GroupMember: Sendable {
    let id: String
    /// `group.instance.id` of a static member; survives restarts of the process that carries it.
    var instanceID: String?
    var clientID: String
    var clientHost: String
    var sessionTimeout: Milliseconds
    var rebalanceTimeout: Milliseconds
    var protocols: [GroupProtocol]
    var assignment: [UInt8] = []

    /// Order of arrival; gives every decision over members one deterministic order.
    var joinedAt: UInt64
    /// The parked JoinGroup, while the group waits for the others.
    var waitingJoin: GroupTicket?
    /// The parked SyncGroup, while the leader has not yet spoken.
    var waitingSync: GroupTicket?
    /// When the member is taken for dead. Nothing is due while one of its requests is parked here.
    var sessionDeadline: Milliseconds

    var isStatic: Bool { instanceID != nil }
    var isParked: Bool { waitingJoin != nil || waitingSync != nil }

    /// The first of the member's protocols that everybody supports.
    func vote(among candidates: Set<String>) -> String? {
        protocols.first { candidates.contains($0.name) }?.name
    }

    func metadata(of name: String?) -> [UInt8] {
        protocols.first { $0.name == name }?.metadata ?? []
    }
}
