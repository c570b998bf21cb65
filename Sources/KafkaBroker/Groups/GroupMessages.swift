import KafkaProtocol

/// What a member says when it joins (JoinGroup without its wire form).
struct GroupJoin: Sendable {
    var memberID = ""
    var instanceID: String?
    var clientID = ""
    var clientHost = ""
    var sessionTimeout: Milliseconds
    var rebalanceTimeout: Milliseconds
    var protocolType: String
    var protocols: [GroupProtocol]
    /// From version 4 on a dynamic member must come back with the id that the first answer gave it, so that a lost
    /// answer leaves no ghost behind (KIP-394).
    var requiresKnownMember = true
    /// From version 9 on a returning static leader may be told to skip the assignment (KIP-814).
    var canSkipAssignment = false
}

/// The answer to a join.
struct GroupJoined: Sendable, Equatable {
    struct Member: Sendable, Equatable {
        var id: String
        var instanceID: String?
        var metadata: [UInt8]
    }

    var error: ErrorCode = .none
    var generation: Int32 = -1
    var protocolType: String?
    var protocolName: String?
    var leader = ""
    var memberID = ""
    var skipsAssignment = false
    /// Everybody, for the leader; nobody, for the others.
    var members: [Member] = []
}

/// A member asks for its share; the leader brings everybody's.
struct GroupSync: Sendable {
    var memberID: String
    var instanceID: String?
    var generation: Int32
    var protocolType: String?
    var protocolName: String?
    var assignments: [String: [UInt8]] = [:]
}

/// The answer to a sync.
struct GroupSynced: Sendable, Equatable {
    var error: ErrorCode = .none
    var protocolType: String?
    var protocolName: String?
    var assignment: [UInt8] = []
}

/// What the coordinator has to do after an event; the state machine itself touches nothing.
enum GroupEffect: Sendable {
    case joined(GroupTicket, GroupJoined)
    case synced(GroupTicket, GroupSynced)
    /// Write the group to the internal log and call `persisted(generation:revision:error:)` when it is on disk.
    case persist(GroupSnapshot)
}

/// A group as the internal log keeps it: enough to go on after a restart without a rebalance.
struct GroupSnapshot: Sendable, Equatable {
    struct Member: Sendable, Equatable {
        var id: String
        var instanceID: String?
        var clientID: String
        var clientHost: String
        var sessionTimeout: Milliseconds
        var rebalanceTimeout: Milliseconds
        var metadata: [UInt8]
        var assignment: [UInt8]
    }

    var groupID: String
    var generation: Int32
    var protocolType: String
    var protocolName: String?
    var leader: String?
    /// Distinguishes two writes of the same generation; not part of the stored form.
    var revision: UInt64 = 0
    /// Since when the group has been in its state, by the wall clock; nil stands for the time of writing.
    var stateTimestamp: Int64?
    var members: [Member]
}
