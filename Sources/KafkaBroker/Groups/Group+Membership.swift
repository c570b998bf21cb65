import KafkaProtocol

extension Group {
    /// Whether this is a member, and the one that carries its instance id now.
    func validate(memberID: String, instanceID: String?) -> ErrorCode? {
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return .unknownMemberID }
            guard current == memberID else { return .fencedInstanceID }
        }
        return members[memberID] == nil ? .unknownMemberID : nil
    }

    /// A sign of life starts the session anew.
    mutating func touch(_ memberID: String, now: Milliseconds) {
        guard let member = members[memberID] else { return }
        members[memberID]?.sessionDeadline = now + member.sessionTimeout
    }

    /// A heartbeat; its answer tells the member to come and join again when a rebalance is under way.
    mutating func heartbeat(
        memberID: String, instanceID: String?, generation: Int32, now: Milliseconds
    ) -> ErrorCode {
        guard state != .dead else { return .coordinatorNotAvailable }
        if let error = validate(memberID: memberID, instanceID: instanceID) { return error }
        guard generation == self.generation else { return .illegalGeneration }
        switch state {
        case .empty, .dead:
            return .unknownMemberID
        case .preparingRebalance:
            touch(memberID, now: now)
            return .rebalanceInProgress
        case .completingRebalance, .stable:
            touch(memberID, now: now)
            return .none
        }
    }

    /// Someone leaves: a member says goodbye, or an administrator removes a static member by its instance id alone.
    mutating func leave(memberID: String, instanceID: String?, now: Milliseconds) -> (ErrorCode, [GroupEffect]) {
        guard state != .dead else { return (.coordinatorNotAvailable, []) }
        if let instanceID {
            guard let current = staticMembers[instanceID] else { return (.unknownMemberID, []) }
            guard memberID.isEmpty || memberID == current else { return (.fencedInstanceID, []) }
            let effects = remove(memberID: current)
            return (.none, effects + membershipChanged(now: now))
        }
        if pendingMembers.removeValue(forKey: memberID) != nil {
            return (.none, membershipChangedByPending(now: now))
        }
        guard members[memberID] != nil else { return (.unknownMemberID, []) }
        let effects = remove(memberID: memberID)
        return (.none, effects + membershipChanged(now: now))
    }

    /// A pending id that goes away may have been the last one the others waited for; it never starts a rebalance.
    private mutating func membershipChangedByPending(now: Milliseconds) -> [GroupEffect] {
        state == .preparingRebalance ? completeJoinIfReady(now: now) : []
    }

    /// Whether a commit may go ahead, as a member of the running generation or, with generation -1, as an outsider of a
    /// group without members.
    mutating func validateCommit(
        memberID: String, instanceID: String?, generation: Int32, now: Milliseconds
    ) -> ErrorCode {
        guard state != .dead else { return .coordinatorNotAvailable }
        // Whatever it calls itself: there are no members that it could be taken for.
        if generation < 0 && state == .empty { return .none }
        if generation < 0 && memberID.isEmpty && instanceID == nil { return .unknownMemberID }
        if let error = validate(memberID: memberID, instanceID: instanceID) { return error }
        guard generation == self.generation else { return .illegalGeneration }
        guard state != .completingRebalance else { return .rebalanceInProgress }
        touch(memberID, now: now)
        return .none
    }

    /// Whether a commit within a transaction may go ahead: of anybody who does not pretend to be a member, otherwise of a
    /// member of this generation (KIP-447), also while the generation is about to change.
    mutating func validateTransactionalCommit(
        memberID: String, instanceID: String?, generation: Int32, now: Milliseconds
    ) -> ErrorCode {
        guard state != .dead else { return .coordinatorNotAvailable }
        if generation < 0 && memberID.isEmpty && instanceID == nil { return .none }
        if let error = validate(memberID: memberID, instanceID: instanceID) { return error }
        guard generation == self.generation else { return .illegalGeneration }
        touch(memberID, now: now)
        return .none
    }
}
