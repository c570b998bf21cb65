import KafkaProtocol

extension Group {
    /// A member asks for its share. The leader's request carries everybody's; it goes to disk before anyone sees it.
    mutating func sync(_ request: GroupSync, ticket: GroupTicket, now: Milliseconds) -> [GroupEffect] {
        func refuse(_ error: ErrorCode) -> [GroupEffect] { [.synced(ticket, GroupSynced(error: error))] }
        if let error = validate(memberID: request.memberID, instanceID: request.instanceID) { return refuse(error) }
        guard request.generation == generation else { return refuse(.illegalGeneration) }
        if let type = request.protocolType, type != protocolType { return refuse(.inconsistentGroupProtocol) }
        if let name = request.protocolName, name != protocolName { return refuse(.inconsistentGroupProtocol) }

        switch state {
        case .empty, .dead:
            return refuse(.unknownMemberID)
        case .preparingRebalance:
            return refuse(.rebalanceInProgress)
        case .stable:
            touch(request.memberID, now: now)
            pendingSync.remove(request.memberID)
            if pendingSync.isEmpty { phaseDeadline = nil }
            return [.synced(ticket, share(of: request.memberID))]
        case .completingRebalance:
            var effects: [GroupEffect] = []
            if let older = members[request.memberID]?.waitingSync {
                effects.append(.synced(older, GroupSynced(error: .rebalanceInProgress)))
            }
            members[request.memberID]?.waitingSync = ticket
            pendingSync.remove(request.memberID)
            if request.memberID == leader, persistingRevision == nil {
                let revision = takeRevision()
                persistingRevision = revision
                for member in membersInOrder {
                    members[member.id]?.assignment = request.assignments[member.id] ?? []
                }
                effects.append(.persist(snapshot(revision: revision)))
            }
            return effects
        }
    }

    /// The internal log has, or could not take, a snapshot. Two kinds matter: the one that carries the assignment of the
    /// running generation, and the one with the new id of a static member; others were written for the record.
    mutating func persisted(revision: UInt64, error: ErrorCode, now: Milliseconds) -> [GroupEffect] {
        guard state == .completingRebalance, revision == persistingRevision else {
            return returned(revision: revision, error: error, now: now)
        }
        persistingRevision = nil
        var effects: [GroupEffect] = []
        let waiting = membersInOrder.filter { $0.waitingSync != nil }
        if error == .none {
            state = .stable
            // Who has not asked for its share has until the end of the rebalance timeout, as with Kafka.
            if pendingSync.isEmpty { phaseDeadline = nil }
        }
        for member in waiting {
            guard let ticket = member.waitingSync else { continue }
            members[member.id]?.waitingSync = nil
            members[member.id]?.sessionDeadline = now + member.sessionTimeout
            effects.append(.synced(ticket, error == .none ? share(of: member.id) : GroupSynced(error: error)))
        }
        return error == .none ? effects : effects + rebalance(now: now)
    }

    private func share(of memberID: String) -> GroupSynced {
        GroupSynced(
            protocolType: protocolType, protocolName: protocolName, assignment: members[memberID]?.assignment ?? [])
    }
}
