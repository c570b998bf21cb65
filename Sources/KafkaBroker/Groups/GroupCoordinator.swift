import KafkaProtocol
import Logging
import NIOCore

/// Gives the groups what a state machine does not have: a clock, timers, promises for parked requests, and the internal
/// log. All groups are confined to one event loop.
///
/// Every public method may be called from any thread and answers on the coordinator's event loop.
final class GroupCoordinator: Sendable {
    struct Timer {
        var deadline: Milliseconds
        var scheduled: Scheduled<Void>
    }

    struct State {
        var groups: [String: Group] = [:]
        var joins: [GroupTicket: EventLoopPromise<GroupJoined>] = [:]
        var syncs: [GroupTicket: EventLoopPromise<GroupSynced>] = [:]
        var timers: [String: Timer] = [:]
        /// By producer id: what its running transaction would commit.
        var pending: [Int64: PendingOffsets] = [:]
        /// By group: commits on their way to the log, and who waits until there are none.
        var committing: [String: Int] = [:]
        var awaitingQuiet: [String: [EventLoopPromise<Void>]] = [:]
        var nextTicket: UInt64 = 0
        /// Writes on their way to the log.
        var writes = 0
        var isStopped = false
    }

    let eventLoop: any EventLoop
    /// As they are now.
    let limits: @Sendable () -> GroupLimits
    let log: GroupLog
    let logger: Logger
    /// Milliseconds since 1970.
    let wallClock: @Sendable () -> Int64
    let state: NIOLoopBoundBox<State>
    /// The id of the topic that bears a name now.
    let topicID: @Sendable (String) -> KafkaUUID?

    init(
        eventLoop: any EventLoop, limits: @escaping @Sendable () -> GroupLimits, log: GroupLog,
        wallClock: @escaping @Sendable () -> Int64, logger: Logger,
        topicID: @escaping @Sendable (String) -> KafkaUUID?
    ) {
        self.eventLoop = eventLoop
        self.limits = limits
        self.log = log
        self.wallClock = wallClock
        self.logger = logger
        self.topicID = topicID
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    private var now: Milliseconds {
        Milliseconds(NIODeadline.now().uptimeNanoseconds / 1_000_000)
    }

    /// Takes over what the internal log holds. Call before anything else.
    func restore(_ stored: GroupLog.Contents) -> EventLoopFuture<Void> {
        onLoop {
            for (id, snapshot) in stored.groups {
                var group = Group(id: id, limits: self.limits())
                group.restore(snapshot, now: self.now)
                self.state.value.groups[id] = group
            }
            self.state.value.pending = stored.pending
            self.restore(stored.offsets)
            for id in self.state.value.groups.keys { self.schedule(id) }
            self.snapshotIfWorthwhile()
            return self.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// Answers whatever is parked: the members will look for their coordinator anew and go on in their generation.
    func stop() -> EventLoopFuture<Void> {
        onLoop {
            for timer in self.state.value.timers.values { timer.scheduled.cancel() }
            self.state.value.timers = [:]
            self.state.value.isStopped = true
            for promise in self.state.value.joins.values { promise.succeed(GroupJoined(error: .notCoordinator)) }
            for promise in self.state.value.syncs.values { promise.succeed(GroupSynced(error: .notCoordinator)) }
            self.state.value.joins = [:]
            self.state.value.syncs = [:]
            return self.eventLoop.makeSucceededVoidFuture()
        }
    }

    // MARK: Membership

    func join(group id: String, _ request: GroupJoin) -> EventLoopFuture<GroupJoined> {
        onLoop {
            if let fault = self.fault(in: id) {
                return self.eventLoop.makeSucceededFuture(GroupJoined(error: fault, memberID: request.memberID))
            }
            if self.state.value.groups[id] == nil {
                guard request.memberID.isEmpty else {
                    return self.eventLoop.makeSucceededFuture(
                        GroupJoined(error: .unknownMemberID, memberID: request.memberID))
                }
                self.state.value.groups[id] = Group(id: id, limits: self.limits())
            }
            let ticket = self.takeTicket()
            let promise = self.eventLoop.makePromise(of: GroupJoined.self)
            self.state.value.joins[ticket] = promise
            self.change(id) { group, now in
                group.join(
                    request, ticket: ticket,
                    newMemberID: "\(request.instanceID ?? request.clientID)-\(KafkaUUID.random())", now: now)
            }
            return promise.futureResult
        }
    }

    func sync(group id: String, _ request: GroupSync) -> EventLoopFuture<GroupSynced> {
        onLoop {
            if let fault = self.fault(in: id) ?? self.absence(of: id) {
                return self.eventLoop.makeSucceededFuture(GroupSynced(error: fault))
            }
            let ticket = self.takeTicket()
            let promise = self.eventLoop.makePromise(of: GroupSynced.self)
            self.state.value.syncs[ticket] = promise
            self.change(id) { group, now in group.sync(request, ticket: ticket, now: now) }
            return promise.futureResult
        }
    }

    func heartbeat(
        group id: String, memberID: String, instanceID: String?, generation: Int32
    ) -> EventLoopFuture<ErrorCode> {
        onLoop {
            if let fault = self.fault(in: id) ?? self.absence(of: id) {
                return self.eventLoop.makeSucceededFuture(fault)
            }
            var answer = ErrorCode.none
            self.change(id) { group, now in
                answer = group.heartbeat(
                    memberID: memberID, instanceID: instanceID, generation: generation, now: now)
                return []
            }
            return self.eventLoop.makeSucceededFuture(answer)
        }
    }

    /// Who leaves: by member id, by instance id, or both.
    struct Leaver: Sendable {
        var memberID: String
        var instanceID: String?
    }

    /// One answer per leaver, or one for all if the group itself is at fault.
    func leave(group id: String, _ leavers: [Leaver]) -> EventLoopFuture<Result<[ErrorCode], ErrorCode>> {
        onLoop {
            if let fault = self.fault(in: id) {
                return self.eventLoop.makeSucceededFuture(.failure(fault))
            }
            guard self.state.value.groups[id] != nil else {
                return self.eventLoop.makeSucceededFuture(.success(leavers.map { _ in .unknownMemberID }))
            }
            let answers = leavers.map { leaver in
                var answer = ErrorCode.none
                self.change(id) { group, now in
                    let (error, effects) = group.leave(
                        memberID: leaver.memberID, instanceID: leaver.instanceID, now: now)
                    answer = error
                    return effects
                }
                return answer
            }
            return self.eventLoop.makeSucceededFuture(.success(answers))
        }
    }

    // MARK: Descriptions

    func group(_ id: String) -> EventLoopFuture<Group?> {
        onLoop { self.eventLoop.makeSucceededFuture(self.state.value.groups[id]) }
    }

    func allGroups() -> EventLoopFuture<[Group]> {
        onLoop { self.eventLoop.makeSucceededFuture(self.state.value.groups.values.sorted { $0.id < $1.id }) }
    }

    // MARK: Inside

    func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable () -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        eventLoop.inEventLoop ? body() : eventLoop.flatSubmit(body)
    }

    /// Writes to the log; when the answer arrives here, later writes are still behind it.
    func write(
        _ records: [GroupRecord], in transaction: InternalLog.Producer? = nil
    ) -> EventLoopFuture<ErrorCode> {
        state.value.writes += 1
        let written = log.append(records, in: transaction, on: eventLoop)
        // After whoever asked has taken the result into account, a quiet moment may have come.
        written.whenComplete { _ in
            self.eventLoop.execute {
                self.state.value.writes -= 1
                self.snapshotIfWorthwhile()
            }
        }
        return written
    }

    /// Lets the log begin anew with all that counts, if it has grown and nothing is under way that it does not hold.
    func snapshotIfWorthwhile() {
        guard state.value.writes == 0, state.value.pending.isEmpty, log.wantsSnapshot else { return }
        let groups = state.value.groups.values
        guard groups.allSatisfy({ $0.state == .stable || $0.state == .empty }) else { return }
        log.begin(
            with: groups.flatMap { group in
                let offsets = group.offsets.byTopic.flatMap { topic, partitions in
                    partitions.map { partition, offset in
                        GroupRecord.offset(group: group.id, TopicPartition(topic: topic, partition: partition), offset)
                    }
                }
                return (group.generation > 0 ? [.group(group.id, group.snapshot())] : []) + offsets
            })
    }

    func fault(in id: String) -> ErrorCode? {
        if state.value.isStopped { return .notCoordinator }
        return id.isEmpty ? .invalidGroupID : nil
    }

    private func absence(of id: String) -> ErrorCode? {
        state.value.groups[id] == nil ? .unknownMemberID : nil
    }

    private func takeTicket() -> GroupTicket {
        state.value.nextTicket += 1
        return GroupTicket(rawValue: state.value.nextTicket)
    }

    /// Lets an event happen to a group, brings it up to the present first, and carries out what follows.
    func change(_ id: String, _ event: (inout Group, Milliseconds) -> [GroupEffect]) {
        guard var group = state.value.groups.removeValue(forKey: id) else { return }
        let before = group.state
        let now = now
        group.limits = limits()
        var effects = group.tick(now: now)
        effects += event(&group, now)
        if group.state != before {
            group.emptySince = group.state == .empty ? wallClock() : nil
            logger.debug(
                "group changed",
                metadata: [
                    "group": "\(id)", "state": "\(group.state.rawValue)", "generation": "\(group.generation)",
                    "members": "\(group.members.count)",
                ])
        }
        state.value.groups[id] = group
        for effect in effects { carryOut(effect, of: id) }
        schedule(id)
    }

    private func carryOut(_ effect: GroupEffect, of id: String) {
        switch effect {
        case .joined(let ticket, let answer):
            state.value.joins.removeValue(forKey: ticket)?.succeed(answer)
        case .synced(let ticket, let answer):
            state.value.syncs.removeValue(forKey: ticket)?.succeed(answer)
        case .persist(let snapshot):
            write([.group(id, snapshot)]).whenSuccess { error in
                self.change(id) { group, now in
                    group.persisted(revision: snapshot.revision, error: error, now: now)
                }
            }
        }
    }

    /// One timer per group, for the next thing that is due. A timer that fires early looks again.
    private func schedule(_ id: String) {
        guard let group = state.value.groups[id], !state.value.isStopped else { return }
        guard let deadline = group.nextDeadline else {
            state.value.timers.removeValue(forKey: id)?.scheduled.cancel()
            if group.isForgettable, group.state == .empty, group.generation == 0 { state.value.groups[id] = nil }
            return
        }
        if let timer = state.value.timers[id] {
            guard deadline < timer.deadline else { return }
            timer.scheduled.cancel()
        }
        let delay = TimeAmount.milliseconds(max(0, deadline - now) + 1)
        let scheduled = eventLoop.scheduleTask(in: delay) {
            self.state.value.timers[id] = nil
            self.change(id) { _, _ in [] }
        }
        state.value.timers[id] = Timer(deadline: deadline, scheduled: scheduled)
    }
}
