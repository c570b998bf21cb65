import KafkaProtocol
import Logging
import NIOCore

/// Groups and offsets that go: because somebody says so, or because nobody has needed them for long.
///
/// What is taken back is on disk before it is gone here. Commits that are on their way are waited for, so that in the log
/// as in memory each commit comes before or after a deletion, and never at once before and after.
extension GroupCoordinator {
    /// Removes a group without members, with all that it committed.
    func delete(group id: String) -> EventLoopFuture<ErrorCode> {
        whenQuiet(id) {
            if let fault = self.fault(in: id) { return self.eventLoop.makeSucceededFuture(fault) }
            self.change(id) { _, _ in [] }
            guard let group = self.state.value.groups[id] else {
                return self.eventLoop.makeSucceededFuture(.groupIDNotFound)
            }
            if let refusal = group.deletionRefusal { return self.eventLoop.makeSucceededFuture(refusal) }
            let keys = Set(group.offsets.committed.keys).union(self.pendingPartitions(of: id))
            // Ids that were handed out and not used yet are no members; whoever comes with one begins anew.
            self.state.value.groups[id]?.pendingMembers = [:]
            return self.remove(keys.sorted(), of: id, withGroup: true)
        }
    }

    /// What became of a deletion of offsets.
    struct OffsetDeletion: Sendable {
        /// Of the whole request.
        var error = ErrorCode.none
        /// Partitions of topics that members subscribe to; their offsets stay.
        var subscribed: Set<TopicPartition> = []
    }

    /// Removes committed offsets of a group: of one without members any, of a group of consumers those of topics that none
    /// subscribes to.
    func delete(_ partitions: [TopicPartition], of id: String) -> EventLoopFuture<OffsetDeletion> {
        whenQuiet(id) {
            if let fault = self.fault(in: id) {
                return self.eventLoop.makeSucceededFuture(OffsetDeletion(error: fault))
            }
            self.change(id) { _, _ in [] }
            guard let group = self.state.value.groups[id] else {
                return self.eventLoop.makeSucceededFuture(OffsetDeletion(error: .groupIDNotFound))
            }
            var subscribed: Set<TopicPartition> = []
            if group.state != .empty {
                guard group.protocolType == ConsumerSubscription.protocolType else {
                    return self.eventLoop.makeSucceededFuture(OffsetDeletion(error: .nonEmptyGroup))
                }
                let topics = group.subscribedTopics
                subscribed = Set(partitions.filter { topics?.contains($0.topic) ?? true })
            }
            let known = Set(group.offsets.committed.keys).union(self.pendingPartitions(of: id))
            let keys = partitions.filter { known.contains($0) && !subscribed.contains($0) }
            return self.remove(keys, of: id, withGroup: false).map { [subscribed] error in
                OffsetDeletion(error: error, subscribed: subscribed)
            }
        }
    }

    /// Removes offsets that nobody needs any more, and groups of which nothing is left; to be called every
    /// `offsets.retention.check.interval.ms`. A group that is just committing is looked at the next time.
    func expireOffsets() -> EventLoopFuture<Void> {
        onLoop {
            guard !self.state.value.isStopped else { return self.eventLoop.makeSucceededVoidFuture() }
            let now = self.wallClock()
            let limits = self.limits()
            var removals: [EventLoopFuture<ErrorCode>] = []
            for (id, group) in self.state.value.groups where self.state.value.committing[id] == nil {
                var group = group
                group.limits = limits
                let pending = self.pendingPartitions(of: id)
                let expired = group.expiredOffsets(now: now, pending: pending)
                let isSpent =
                    group.state == .empty && group.members.isEmpty && group.pendingMembers.isEmpty
                    && pending.isEmpty && expired.count == group.offsets.committed.count
                guard isSpent || !expired.isEmpty else { continue }
                self.logger.info(
                    "forgetting what nobody has needed for long",
                    metadata: ["group": "\(id)", "offsets": "\(expired.count)", "whole": "\(isSpent)"])
                removals.append(self.remove(expired, of: id, withGroup: isSpent))
            }
            return EventLoopFuture.whenAllSucceed(removals, on: self.eventLoop).map { _ in }
        }
    }

    /// Takes offsets back, on disk and then here, and with them what running transactions would commit for the same
    /// partitions; perhaps the group too, unless it has come to life meanwhile.
    private func remove(
        _ keys: [TopicPartition], of id: String, withGroup: Bool
    ) -> EventLoopFuture<ErrorCode> {
        var records = keys.map { GroupRecord.offset(group: id, $0, nil) }
        if withGroup { records.append(.group(id, nil)) }
        guard !records.isEmpty else { return eventLoop.makeSucceededFuture(.none) }
        return write(records).map { error in
            guard error == .none else { return error }
            for key in keys {
                self.state.value.groups[id]?.offsets.remove(key)
                for producer in self.state.value.pending.keys {
                    self.state.value.pending[producer]?.remove(key, of: id)
                }
            }
            if withGroup, self.state.value.groups[id]?.isSpent == true {
                self.state.value.timers.removeValue(forKey: id)?.scheduled.cancel()
                self.state.value.groups[id] = nil
            }
            return .none
        }
    }

    func pendingPartitions(of id: String) -> Set<TopicPartition> {
        state.value.pending.values.reduce(into: []) { $0.formUnion($1.partitions(of: id)) }
    }

    // MARK: Commits on their way

    /// Counts a commit until it has been taken into account.
    func committing<Value: Sendable>(
        _ id: String, _ body: () -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        state.value.committing[id, default: 0] += 1
        let done = body()
        done.whenComplete { _ in
            let left = (self.state.value.committing[id] ?? 1) - 1
            self.state.value.committing[id] = left > 0 ? left : nil
            guard left <= 0, let waiting = self.state.value.awaitingQuiet.removeValue(forKey: id) else { return }
            for promise in waiting { promise.succeed() }
        }
        return done
    }

    /// Runs `body` when no commit of the group is on its way.
    private func whenQuiet<Value: Sendable>(
        _ id: String, _ body: @escaping @Sendable () -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        onLoop {
            guard self.state.value.committing[id] != nil else { return body() }
            let promise = self.eventLoop.makePromise(of: Void.self)
            self.state.value.awaitingQuiet[id, default: []].append(promise)
            return promise.futureResult.flatMap { self.whenQuiet(id, body) }
        }
    }
}
