import KafkaProtocol

/// A static member that came back and whose new member id is on its way to the disk.
struct StaticReturn: Sendable {
    let request: GroupJoin
    let ticket: GroupTicket
    let memberID: String
    /// Of the snapshot that carries the new id; nil for one that waits for the write before it.
    var revision: UInt64?
}

extension Group {
    /// A static member came back without its member id: its process was restarted. It gets a new id, and whoever still
    /// uses the old one is fenced.
    ///
    /// If its choice changes nothing, the others never notice; then the new id goes to disk before anybody learns it, and
    /// until it is there the old one holds. A broker that is killed at any moment so knows the id that its member has.
    mutating func replaceStaticMember(
        _ oldID: String, with request: GroupJoin, memberID: String, ticket: GroupTicket, now: Milliseconds
    ) -> [GroupEffect] {
        guard keepsGeneration(request, of: oldID) else {
            let earlier = returning
            returning = []
            var effects = earlier.filter { $0.request.instanceID == request.instanceID }.map {
                GroupEffect.joined($0.ticket, GroupJoined(error: .fencedInstanceID))
            }
            effects += replace(oldID, with: request, memberID: memberID, now: now)
            effects += park(request, memberID: memberID, ticket: ticket, now: now)
            for other in earlier where other.request.instanceID != request.instanceID {
                effects += join(other.request, ticket: other.ticket, newMemberID: other.memberID, now: now)
            }
            return effects
        }
        var joining = StaticReturn(request: request, ticket: ticket, memberID: memberID)
        var effects: [GroupEffect] = []
        if let index = returning.firstIndex(where: { $0.request.instanceID == request.instanceID }) {
            // A third process of the same name: the second learns no id, so its own is free for the third.
            let second = returning[index]
            effects.append(.joined(second.ticket, GroupJoined(error: .fencedInstanceID)))
            returning[index] = StaticReturn(
                request: request, ticket: ticket, memberID: second.memberID, revision: second.revision)
            return effects
        }
        // One at a time: each snapshot holds the whole group, so that it must not say what another has yet to prove.
        if returning.isEmpty {
            var changed = self
            _ = changed.replace(oldID, with: request, memberID: memberID, now: now)
            let revision = takeRevision()
            joining.revision = revision
            effects.append(.persist(changed.snapshot(revision: revision)))
        }
        returning.append(joining)
        return effects
    }

    /// The internal log has, or could not take, the snapshot with a returning member's new id.
    mutating func returned(revision: UInt64, error: ErrorCode, now: Milliseconds) -> [GroupEffect] {
        guard let first = returning.first, first.revision == revision else { return [] }
        let waiting = returning.dropFirst()
        returning = []
        var effects: [GroupEffect] = []
        if error != .none {
            effects.append(.joined(first.ticket, GroupJoined(error: error)))
        } else if let instanceID = first.request.instanceID, let oldID = staticMembers[instanceID],
            keepsGeneration(first.request, of: oldID)
        {
            let wasLeader = leader == oldID
            effects += replace(oldID, with: first.request, memberID: first.memberID, now: now)
            effects.append(.joined(first.ticket, welcome(first, asLeaderInsteadOf: wasLeader ? oldID : nil)))
        } else {
            // Meanwhile a rebalance began, or the old id went: it joins like anybody else.
            effects += join(first.request, ticket: first.ticket, newMemberID: first.memberID, now: now)
        }
        for next in waiting {
            effects += join(next.request, ticket: next.ticket, newMemberID: next.memberID, now: now)
        }
        return effects
    }

    /// Whether the running generation goes on unchanged with the request in place of the old member.
    private func keepsGeneration(_ request: GroupJoin, of oldID: String) -> Bool {
        guard state == .stable, let old = members[oldID] else { return false }
        var changed = self
        changed.members[oldID]?.protocols = request.protocols
        guard changed.electProtocol() == protocolName else { return false }
        let before = old.metadata(of: protocolName)
        let after = changed.members[oldID]?.metadata(of: protocolName) ?? []
        // Of a consumer only the topics matter: what it owned, which it may say beside them, it has lost.
        if protocolType == ConsumerSubscription.protocolType, let before = ConsumerSubscription(before) {
            return before == ConsumerSubscription(after)
        }
        return before == after
    }

    /// Puts a member under a new id in the place of the old one, and answers what the old one still has parked here.
    private mutating func replace(
        _ oldID: String, with request: GroupJoin, memberID: String, now: Milliseconds
    ) -> [GroupEffect] {
        guard let old = members.removeValue(forKey: oldID), let instanceID = request.instanceID else { return [] }
        var effects: [GroupEffect] = []
        if let older = old.waitingJoin {
            effects.append(.joined(older, GroupJoined(error: .fencedInstanceID, memberID: oldID)))
        }
        if let older = old.waitingSync {
            effects.append(.synced(older, GroupSynced(error: .fencedInstanceID)))
        }
        staticMembers[instanceID] = memberID
        if pendingSync.remove(oldID) != nil { pendingSync.insert(memberID) }
        members[memberID] = GroupMember(
            id: memberID, instanceID: instanceID, clientID: request.clientID, clientHost: request.clientHost,
            sessionTimeout: request.sessionTimeout, rebalanceTimeout: request.rebalanceTimeout,
            protocols: request.protocols, assignment: old.assignment, joinedAt: old.joinedAt,
            sessionDeadline: now + request.sessionTimeout)
        if leader == oldID { leader = memberID }
        return effects
    }

    private func welcome(_ member: StaticReturn, asLeaderInsteadOf oldLeader: String?) -> GroupJoined {
        var joined = answer(to: member.memberID)
        guard let oldLeader else { return joined }
        if member.request.canSkipAssignment {
            joined.skipsAssignment = true
        } else {
            // Older clients have no word for it: naming the old id as leader makes the member ask like a follower.
            joined.leader = oldLeader
            joined.members = []
        }
        return joined
    }
}
