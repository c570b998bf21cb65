import KafkaProtocol

@testable import KafkaBroker

/// Drives a group by hand: a clock that only the test moves, answers by ticket, writes that succeed at once or on demand.
struct GroupDriver {
    var group: Group
    var now: Milliseconds = 0
    var persistsAtOnce: Bool
    private(set) var joined: [GroupTicket: GroupJoined] = [:]
    private(set) var synced: [GroupTicket: GroupSynced] = [:]
    /// Snapshots that are "on disk", and those on their way.
    private(set) var stored: [GroupSnapshot] = []
    private(set) var unwritten: [GroupSnapshot] = []
    private var lastTicket: UInt64 = 0
    private var lastMember = 0

    init(limits: GroupLimits = GroupLimits(), persistsAtOnce: Bool = true) {
        group = Group(id: "g", limits: limits)
        self.persistsAtOnce = persistsAtOnce
    }

    var state: Group.State { group.state }

    mutating func pass(_ time: Milliseconds) {
        now += time
        carryOut(group.tick(now: now))
    }

    mutating func carryOut(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .joined(let ticket, let answer):
                precondition(joined[ticket] == nil, "answered twice")
                joined[ticket] = answer
            case .synced(let ticket, let answer):
                precondition(synced[ticket] == nil, "answered twice")
                synced[ticket] = answer
            case .persist(let snapshot):
                unwritten.append(snapshot)
            }
        }
        if persistsAtOnce { persistAll() }
    }

    mutating func persistAll(error: ErrorCode = .none) {
        while !unwritten.isEmpty {
            let snapshot = unwritten.removeFirst()
            if error == .none { stored.append(snapshot) }
            carryOut(group.persisted(revision: snapshot.revision, error: error, now: now))
        }
    }

    mutating func ticket() -> GroupTicket {
        lastTicket += 1
        return GroupTicket(rawValue: lastTicket)
    }

    mutating func send(
        joinOf memberID: String, client: String = "c", instance: String? = nil,
        protocols: [String] = ["range"], protocolType: String = "consumer", metadata: [UInt8] = [1],
        sessionTimeout: Milliseconds = 10_000, requiresKnownMember: Bool = false, canSkipAssignment: Bool = false
    ) -> GroupTicket {
        let ticket = ticket()
        lastMember += 1
        let request = GroupJoin(
            memberID: memberID, instanceID: instance, clientID: client, clientHost: "/127.0.0.1",
            sessionTimeout: sessionTimeout, rebalanceTimeout: 30_000, protocolType: protocolType,
            protocols: protocols.map { GroupProtocol(name: $0, metadata: metadata) },
            requiresKnownMember: requiresKnownMember, canSkipAssignment: canSkipAssignment)
        carryOut(group.tick(now: now))
        carryOut(group.join(request, ticket: ticket, newMemberID: "test-\(lastMember)", now: now))
        return ticket
    }

    /// A join that is answered at once.
    mutating func join(
        _ memberID: String, client: String = "c", instance: String? = nil, protocols: [String] = ["range"],
        protocolType: String = "consumer", sessionTimeout: Milliseconds = 10_000, requiresKnownMember: Bool = false,
        canSkipAssignment: Bool = false
    ) -> GroupJoined {
        let ticket = send(
            joinOf: memberID, client: client, instance: instance, protocols: protocols, protocolType: protocolType,
            sessionTimeout: sessionTimeout, requiresKnownMember: requiresKnownMember,
            canSkipAssignment: canSkipAssignment)
        return joined[ticket] ?? GroupJoined(error: .requestTimedOut)
    }

    mutating func send(
        syncOf memberID: String, instance: String? = nil, generation: Int32, assignments: [String: [UInt8]] = [:]
    ) -> GroupTicket {
        let ticket = ticket()
        let request = GroupSync(
            memberID: memberID, instanceID: instance, generation: generation, assignments: assignments)
        carryOut(group.sync(request, ticket: ticket, now: now))
        return ticket
    }

    /// A sync that is answered at once.
    @discardableResult
    mutating func sync(
        _ memberID: String, instance: String? = nil, generation: Int32, assignments: [String: [UInt8]] = [:]
    ) -> GroupSynced {
        let ticket = send(
            syncOf: memberID, instance: instance, generation: generation, assignments: assignments)
        return synced[ticket] ?? GroupSynced(error: .requestTimedOut)
    }

    /// The only member of a stable group.
    mutating func joinStable(_ client: String, assignment: [UInt8] = [0]) -> GroupJoined {
        let answer = join("", client: client)
        sync(answer.memberID, generation: answer.generation, assignments: [answer.memberID: assignment])
        return answer
    }

    mutating func heartbeat(_ memberID: String, _ generation: Int32, instance: String? = nil) -> ErrorCode {
        carryOut(group.tick(now: now))
        return group.heartbeat(memberID: memberID, instanceID: instance, generation: generation, now: now)
    }

    mutating func leave(_ memberID: String, instance: String? = nil) -> ErrorCode {
        let (error, effects) = group.leave(memberID: memberID, instanceID: instance, now: now)
        carryOut(effects)
        return error
    }

    mutating func commit(_ memberID: String, _ generation: Int32, instance: String? = nil) -> ErrorCode {
        group.validateCommit(memberID: memberID, instanceID: instance, generation: generation, now: now)
    }
}

extension GroupDriver {
    /// After a restart: what is on disk stays, and no ticket or member id is given twice.
    mutating func goOn(after earlier: GroupDriver) {
        stored = earlier.stored
        lastTicket = earlier.lastTicket
        lastMember = earlier.lastMember
    }
}
