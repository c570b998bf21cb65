import KafkaProtocol

extension Group {
    /// A member joins or rejoins. The answer comes as an effect for `ticket`, now or when the generation is complete.
    ///
    /// `newMemberID` is the id to hand out if the member has none; it is an argument so that the machine stays
    /// deterministic.
    mutating func join(
        _ request: GroupJoin, ticket: GroupTicket, newMemberID: @autoclosure () -> String, now: Milliseconds
    ) -> [GroupEffect] {
        if let error = refusal(of: request) {
            return [.joined(ticket, GroupJoined(error: error, memberID: request.memberID))]
        }
        if request.memberID.isEmpty {
            return joinNewcomer(request, ticket: ticket, memberID: newMemberID(), now: now)
        }
        if pendingMembers.removeValue(forKey: request.memberID) != nil {
            return add(request, memberID: request.memberID, ticket: ticket, now: now)
        }
        if let error = validate(memberID: request.memberID, instanceID: request.instanceID) {
            return [.joined(ticket, GroupJoined(error: error, memberID: request.memberID))]
        }
        return rejoin(request, ticket: ticket, now: now)
    }

    /// Why the request cannot even be looked at, or nil.
    private func refusal(of request: GroupJoin) -> ErrorCode? {
        guard state != .dead else { return .coordinatorNotAvailable }
        guard request.sessionTimeout >= limits.minSessionTimeout, request.sessionTimeout <= limits.maxSessionTimeout
        else {
            return .invalidSessionTimeout
        }
        let isKnown = members[request.memberID] != nil || pendingMembers[request.memberID] != nil
        let replaces = request.instanceID.map { staticMembers[$0] != nil } ?? false
        if !isKnown && !replaces && members.count + pendingMembers.count >= limits.maxSize {
            return .groupMaxSizeReached
        }
        guard !request.protocolType.isEmpty, !request.protocols.isEmpty else { return .inconsistentGroupProtocol }
        guard supports(request) else { return .inconsistentGroupProtocol }
        return nil
    }

    /// True when the others share a protocol type, and at least one protocol, with the request.
    private func supports(_ request: GroupJoin) -> Bool {
        // The member's own earlier offer, and that of the static member it replaces, do not count.
        let replaced = request.instanceID.flatMap { staticMembers[$0] } ?? request.memberID
        let others = members.values.filter { $0.id != replaced }
        guard !others.isEmpty else { return true }
        guard request.protocolType == protocolType else { return false }
        let common = commonProtocols(of: others)
        return request.protocols.contains { common.contains($0.name) }
    }

    func commonProtocols(of members: [GroupMember]) -> Set<String> {
        guard let first = members.first else { return [] }
        return members.dropFirst().reduce(Set(first.protocols.map(\.name))) { common, member in
            common.intersection(member.protocols.map(\.name))
        }
    }

    private mutating func joinNewcomer(
        _ request: GroupJoin, ticket: GroupTicket, memberID: String, now: Milliseconds
    ) -> [GroupEffect] {
        if let instanceID = request.instanceID {
            guard let oldID = staticMembers[instanceID] else {
                return add(request, memberID: memberID, ticket: ticket, now: now)
            }
            return replaceStaticMember(oldID, with: request, memberID: memberID, ticket: ticket, now: now)
        }
        if request.requiresKnownMember {
            pendingMembers[memberID] = now + request.sessionTimeout
            return [.joined(ticket, GroupJoined(error: .memberIDRequired, memberID: memberID))]
        }
        return add(request, memberID: memberID, ticket: ticket, now: now)
    }

    private mutating func add(
        _ request: GroupJoin, memberID: String, ticket: GroupTicket, now: Milliseconds
    ) -> [GroupEffect] {
        members[memberID] = GroupMember(
            id: memberID, instanceID: request.instanceID, clientID: request.clientID, clientHost: request.clientHost,
            sessionTimeout: request.sessionTimeout, rebalanceTimeout: request.rebalanceTimeout,
            protocols: request.protocols, joinedAt: nextArrival, waitingJoin: ticket,
            sessionDeadline: now + request.sessionTimeout)
        nextArrival += 1
        protocolType = request.protocolType
        if let instanceID = request.instanceID { staticMembers[instanceID] = memberID }
        if initialJoinEnd != nil { arrivedDuringInitialJoin = true }
        return rebalance(now: now)
    }

    private mutating func rejoin(_ request: GroupJoin, ticket: GroupTicket, now: Milliseconds) -> [GroupEffect] {
        guard let member = members[request.memberID] else { return [] }
        let isUnchanged = member.protocols == request.protocols
        let keepsGeneration =
            switch state {
            case .completingRebalance: isUnchanged
            // A leader that joins again wants a new assignment (its topics changed).
            case .stable: isUnchanged && leader != member.id
            case .empty, .preparingRebalance, .dead: false
            }
        guard keepsGeneration else {
            return park(request, memberID: member.id, ticket: ticket, now: now)
        }
        members[member.id]?.sessionDeadline = now + member.sessionTimeout
        return [.joined(ticket, answer(to: member.id))]
    }

    /// Takes the member's new offer, parks its request and starts a rebalance or goes on with the one under way.
    mutating func park(
        _ request: GroupJoin, memberID: String, ticket: GroupTicket, now: Milliseconds
    ) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        if let older = members[memberID]?.waitingJoin {
            effects.append(.joined(older, GroupJoined(error: .unknownMemberID, memberID: memberID)))
        }
        members[memberID]?.protocols = request.protocols
        members[memberID]?.rebalanceTimeout = request.rebalanceTimeout
        members[memberID]?.clientID = request.clientID
        members[memberID]?.clientHost = request.clientHost
        members[memberID]?.waitingJoin = ticket
        return effects + rebalance(now: now)
    }

    /// What `memberID` learns about the current generation.
    func answer(to memberID: String) -> GroupJoined {
        let everybody = membersInOrder.map { member in
            GroupJoined.Member(
                id: member.id, instanceID: member.instanceID, metadata: member.metadata(of: protocolName))
        }
        return GroupJoined(
            generation: generation, protocolType: protocolType, protocolName: protocolName, leader: leader ?? "",
            memberID: memberID, members: leader == memberID ? everybody : [])
    }

    mutating func takeRevision() -> UInt64 {
        defer { nextRevision += 1 }
        return nextRevision
    }
}
