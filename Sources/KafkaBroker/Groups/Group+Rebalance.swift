import KafkaProtocol

extension Group {
    /// Starts a rebalance, or goes on with the one under way.
    mutating func rebalance(now: Milliseconds) -> [GroupEffect] {
        switch state {
        case .empty:
            state = .preparingRebalance
            phaseDeadline = now + limits.initialRebalanceDelay
            initialJoinEnd = now + longestRebalanceTimeout
            arrivedDuringInitialJoin = false
            return completeJoinIfReady(now: now)
        case .completingRebalance, .stable:
            var effects: [GroupEffect] = []
            for member in membersInOrder {
                members[member.id]?.assignment = []
                guard let ticket = member.waitingSync else { continue }
                members[member.id]?.waitingSync = nil
                members[member.id]?.sessionDeadline = now + member.sessionTimeout
                effects.append(.synced(ticket, GroupSynced(error: .rebalanceInProgress)))
            }
            persistingRevision = nil
            pendingSync = []
            state = .preparingRebalance
            phaseDeadline = now + longestRebalanceTimeout
            initialJoinEnd = nil
            return effects + completeJoinIfReady(now: now)
        case .preparingRebalance:
            return completeJoinIfReady(now: now)
        case .dead:
            return []
        }
    }

    /// After members went: whoever is left shares their partitions.
    mutating func membershipChanged(now: Milliseconds) -> [GroupEffect] {
        switch state {
        case .stable, .completingRebalance: rebalance(now: now)
        case .preparingRebalance: completeJoinIfReady(now: now)
        case .empty, .dead: []
        }
    }

    private var longestRebalanceTimeout: Milliseconds {
        members.values.map(\.rebalanceTimeout).max() ?? 0
    }

    /// Ends the joining phase when everybody is there or the time is up.
    mutating func completeJoinIfReady(now: Milliseconds) -> [GroupEffect] {
        guard state == .preparingRebalance, let deadline = phaseDeadline else { return [] }
        if let end = initialJoinEnd {
            guard deadline <= now else { return [] }
            if arrivedDuringInitialJoin && now < end && limits.initialRebalanceDelay > 0 {
                arrivedDuringInitialJoin = false
                phaseDeadline = min(now + limits.initialRebalanceDelay, end)
                return []
            }
            return completeJoin(now: now)
        }
        let everybodyIsHere = pendingMembers.isEmpty && members.values.allSatisfy { $0.waitingJoin != nil }
        return everybodyIsHere || deadline <= now ? completeJoin(now: now) : []
    }

    private mutating func completeJoin(now: Milliseconds) -> [GroupEffect] {
        // Those who did not come back are gone, except static members, who have their whole session to return.
        for member in membersInOrder where member.waitingJoin == nil && !member.isStatic {
            forget(member)
        }
        initialJoinEnd = nil
        arrivedDuringInitialJoin = false
        if !members.isEmpty, !electLeader() {
            phaseDeadline = now + longestRebalanceTimeout
            return []
        }
        generation = generation == .max ? 1 : generation + 1
        guard !members.isEmpty else {
            state = .empty
            phaseDeadline = nil
            protocolName = nil
            leader = nil
            return [.persist(snapshot(revision: takeRevision()))]
        }
        protocolName = electProtocol()
        state = .completingRebalance
        phaseDeadline = now + longestRebalanceTimeout
        pendingSync = Set(members.keys)
        var effects: [GroupEffect] = []
        for member in membersInOrder {
            guard let ticket = member.waitingJoin else { continue }
            members[member.id]?.waitingJoin = nil
            members[member.id]?.sessionDeadline = now + member.sessionTimeout
            effects.append(.joined(ticket, answer(to: member.id)))
        }
        return effects
    }

    /// Keeps the leader if it is here, else takes the member that has been here longest. False when nobody is here.
    private mutating func electLeader() -> Bool {
        if let leader, members[leader]?.waitingJoin != nil { return true }
        guard let next = membersInOrder.first(where: { $0.waitingJoin != nil }) else { return false }
        leader = next.id
        return true
    }

    /// The protocol with the most votes among those that everybody supports; the leader's preference breaks a tie.
    func electProtocol() -> String? {
        let voters = membersInOrder
        let candidates = commonProtocols(of: voters)
        var votes: [String: Int] = [:]
        for voter in voters {
            if let vote = voter.vote(among: candidates) { votes[vote, default: 0] += 1 }
        }
        let preference = leader.flatMap { members[$0] } ?? voters.first
        var best: (name: String, votes: Int)?
        for offered in preference?.protocols ?? [] {
            guard let count = votes[offered.name] else { continue }
            if count > best?.votes ?? 0 { best = (offered.name, count) }
        }
        return best?.name
    }

    /// Drops members who got the generation and never asked for their share.
    mutating func expirePendingSync(now: Milliseconds) -> [GroupEffect] {
        if state == .stable, pendingSync.isEmpty {
            phaseDeadline = nil
            return []
        }
        var effects: [GroupEffect] = []
        for memberID in pendingSync.sorted() {
            effects += remove(memberID: memberID)
        }
        pendingSync = []
        phaseDeadline = nil
        return effects + rebalance(now: now)
    }

    /// Takes a member out and answers what it still has parked here.
    mutating func remove(memberID: String) -> [GroupEffect] {
        guard let member = members[memberID] else { return [] }
        forget(member)
        var effects: [GroupEffect] = []
        if let ticket = member.waitingJoin {
            effects.append(.joined(ticket, GroupJoined(error: .unknownMemberID, memberID: memberID)))
        }
        if let ticket = member.waitingSync {
            effects.append(.synced(ticket, GroupSynced(error: .unknownMemberID)))
        }
        return effects
    }

    private mutating func forget(_ member: GroupMember) {
        members[member.id] = nil
        pendingSync.remove(member.id)
        if let instanceID = member.instanceID, staticMembers[instanceID] == member.id {
            staticMembers[instanceID] = nil
        }
        if leader == member.id { leader = nil }
    }
}
