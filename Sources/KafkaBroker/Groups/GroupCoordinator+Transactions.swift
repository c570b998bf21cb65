import KafkaProtocol
import Logging
import NIOCore

/// Offsets that are committed as part of a producer's transaction: on disk at once, visible when the transaction is
/// committed, never when it is aborted.
extension GroupCoordinator {
    /// Adds offsets to a transaction; the answer comes when they are on disk.
    func commit(
        group id: String, as committer: Committer, in transaction: InternalLog.Producer,
        _ offsets: [(TopicPartition, CommittedOffset)]
    ) -> EventLoopFuture<ErrorCode> {
        onLoop {
            if let fault = self.fault(in: id) { return self.eventLoop.makeSucceededFuture(fault) }
            var refusal = committer.isOutsider ? ErrorCode.none : .unknownMemberID
            self.change(id) { group, now in
                refusal = group.validateTransactionalCommit(
                    memberID: committer.memberID, instanceID: committer.instanceID,
                    generation: committer.generation, now: now)
                return []
            }
            guard refusal == .none, !offsets.isEmpty else { return self.eventLoop.makeSucceededFuture(refusal) }
            let records = offsets.map { GroupRecord.offset(group: id, $0.0, $0.1) }
            return self.committing(id) {
                self.write(records, in: transaction).map { error in
                    guard error == .none else { return error }
                    for (partition, offset) in offsets {
                        self.state.value.pending[transaction.id, default: PendingOffsets()]
                            .add(offset, for: partition, of: id)
                    }
                    return .none
                }
            }
        }
    }

    /// Ends a producer's transaction: its offsets are visible, or gone, when the answer comes.
    func end(_ transaction: InternalLog.Producer, isCommit: Bool) -> EventLoopFuture<ErrorCode> {
        onLoop {
            self.state.value.writes += 1
            return self.log.end(transaction, isCommit: isCommit, on: self.eventLoop).map { error in
                self.state.value.writes -= 1
                guard error == .none else { return error }
                let ended = self.state.value.pending.removeValue(forKey: transaction.id)
                for (group, partition, offset) in ended?.all ?? [] where isCommit && self.isLive(offset, of: partition)
                {
                    self.state.value.groups[group, default: Group(id: group, limits: self.limits())]
                        .offsets.commit(offset, for: partition)
                }
                self.snapshotIfWorthwhile()
                return .none
            }
        }
    }
}

extension GroupCoordinator.Committer {
    /// Whether somebody commits who is no member and does not pretend to be one.
    var isOutsider: Bool { memberID.isEmpty && instanceID == nil && generation < 0 }
}
