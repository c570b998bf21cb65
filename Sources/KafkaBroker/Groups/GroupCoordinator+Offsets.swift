import KafkaProtocol
import Logging
import NIOCore

/// Committed offsets. Each carries the id of its topic: what was committed for a topic that was deleted is never given to
/// a successor of the same name, whatever was under way or cut short when it went.
extension GroupCoordinator {
    /// Who commits.
    struct Committer: Sendable {
        var memberID = ""
        var instanceID: String?
        var generation: Int32 = -1
        /// What a stranger to a group that does not exist is told; newer clients know GROUP_ID_NOT_FOUND.
        var absentGroup: ErrorCode = .illegalGeneration
    }

    /// What became of a commit.
    struct CommitOutcome: Sendable {
        /// Of the whole request.
        var error = ErrorCode.none
        /// Partitions whose topic went while the commit was on its way.
        var gone: Set<TopicPartition> = []
    }

    /// Commits; the answer comes when the offsets are on disk and visible.
    func commit(
        group id: String, as committer: Committer, _ offsets: [(TopicPartition, CommittedOffset)]
    ) -> EventLoopFuture<CommitOutcome> {
        onLoop {
            let refusal = self.refusal(of: committer, group: id)
            guard refusal == .none, !offsets.isEmpty else {
                return self.eventLoop.makeSucceededFuture(CommitOutcome(error: refusal))
            }
            return self.committing(id) { self.write(offsets, of: id) }
        }
    }

    private func write(
        _ offsets: [(TopicPartition, CommittedOffset)], of id: String
    ) -> EventLoopFuture<CommitOutcome> {
        let live = offsets.filter { isLive($1, of: $0) }
        let written =
            live.isEmpty
            ? eventLoop.makeSucceededFuture(.none) : write(live.map { GroupRecord.offset(group: id, $0.0, $0.1) })
        return written.map { error in
            var outcome = CommitOutcome(error: error, gone: Set(offsets.map(\.0)))
            guard error == .none else { return outcome }
            for (partition, offset) in live where self.isLive(offset, of: partition) {
                self.state.value.groups[id, default: Group(id: id, limits: self.limits())]
                    .offsets.commit(offset, for: partition)
                outcome.gone.remove(partition)
            }
            return outcome
        }
    }

    /// Why somebody may not commit; makes a group for an outsider who is its first.
    private func refusal(of committer: Committer, group id: String) -> ErrorCode {
        if let fault = fault(in: id) { return fault }
        if state.value.groups[id] == nil {
            guard committer.generation < 0 else { return committer.absentGroup }
            state.value.groups[id] = Group(id: id, limits: limits())
        }
        var answer = ErrorCode.none
        change(id) { group, now in
            answer = group.validateCommit(
                memberID: committer.memberID, instanceID: committer.instanceID, generation: committer.generation,
                now: now)
            return []
        }
        return answer
    }

    /// Whether an offset belongs to the topic that bears the name now.
    func isLive(_ offset: CommittedOffset, of partition: TopicPartition) -> Bool {
        guard let current = topicID(partition.topic) else { return false }
        return offset.topicID == current
    }

    /// The committed offsets of a group; none for a group that does not exist.
    func offsets(of id: String) -> EventLoopFuture<GroupOffsets> {
        onLoop { self.eventLoop.makeSucceededFuture(self.state.value.groups[id]?.offsets ?? GroupOffsets()) }
    }

    /// The partitions whose offset in a group a running transaction may change.
    func unstablePartitions(of id: String) -> EventLoopFuture<Set<TopicPartition>> {
        onLoop { self.eventLoop.makeSucceededFuture(self.pendingPartitions(of: id)) }
    }

    /// Forgets what groups have committed for a topic that is gone; its successor begins anew.
    ///
    /// What cannot be taken back on disk is met by its topic id at the next start, and forgotten then. So is what there is
    /// of a topic that was made again meanwhile: on disk a successor's offset may have taken its place already.
    func forget(topic: String, id topicID: KafkaUUID) -> EventLoopFuture<Void> {
        onLoop {
            var stale: [GroupRecord] = []
            let hasSuccessor = self.topicID(topic) != nil
            for (id, group) in self.state.value.groups {
                for (key, offset) in group.offsets.committed where key.topic == topic && offset.topicID == topicID {
                    self.state.value.groups[id]?.offsets.remove(key)
                    if !hasSuccessor { stale.append(.offset(group: id, key, nil)) }
                }
            }
            return self.take(back: stale)
        }
    }

    /// Takes over stored offsets whose topics are there. The others stay on disk until the log begins anew: the topics may
    /// be missing because an old `metadata` file was put back, and come again with the right one.
    func restore(_ stored: [String: GroupOffsets]) {
        var unknown = 0
        for (id, offsets) in stored {
            var kept = GroupOffsets()
            for (key, offset) in offsets.committed {
                var offset = offset
                // Written before topic ids were: the name has to do.
                if offset.topicID == .zero { offset.topicID = topicID(key.topic) ?? .zero }
                if isLive(offset, of: key) {
                    kept.commit(offset, for: key)
                } else {
                    unknown += 1
                }
            }
            if !kept.isEmpty { state.value.groups[id, default: Group(id: id, limits: limits())].offsets = kept }
        }
        if unknown > 0 {
            logger.notice("passing over offsets of topics that are not there", metadata: ["count": "\(unknown)"])
        }
    }

    func take(back stale: [GroupRecord]) -> EventLoopFuture<Void> {
        guard !stale.isEmpty else { return eventLoop.makeSucceededVoidFuture() }
        return write(stale).map { error in
            guard error != .none else { return }
            self.logger.error(
                "offsets of a deleted topic stay in the groups' log; they will be taken back at the next start",
                metadata: ["count": "\(stale.count)", "reason": "\(error.name)"])
        }
    }
}
