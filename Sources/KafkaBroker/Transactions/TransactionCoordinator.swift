import KafkaLog
import KafkaProtocol
import Logging
import NIOCore

/// Gives transactional ids what a state machine does not have: a clock, timers, promises for parked requests, the internal
/// log, and the partitions to write markers to. All of them are confined to one event loop.
///
/// Every public method may be called from any thread and answers on the coordinator's event loop.
final class TransactionCoordinator: Sendable {
    private struct Timer {
        var deadline: Milliseconds
        var scheduled: Scheduled<Void>
    }

    private struct State {
        var transactions: [String: Transaction] = [:]
        var promises: [TransactionTicket: EventLoopPromise<TransactionAnswer>] = [:]
        var timers: [String: Timer] = [:]
        var nextTicket: UInt64 = 0
        /// Writes on their way to the log.
        var writes = 0
        var isStopped = false
    }

    let eventLoop: any EventLoop
    /// As they are now.
    private let limits: @Sendable () -> TransactionLimits
    private let log: TransactionLog
    private let topics: TopicStore
    private let groups: GroupCoordinator
    private let producerIDs: ProducerIDs
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger
    private let state: NIOLoopBoundBox<State>

    init(
        eventLoop: any EventLoop, limits: @escaping @Sendable () -> TransactionLimits, log: TransactionLog,
        topics: TopicStore,
        groups: GroupCoordinator, producerIDs: ProducerIDs, wallClock: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.limits = limits
        self.log = log
        self.topics = topics
        self.groups = groups
        self.producerIDs = producerIDs
        self.wallClock = wallClock
        self.logger = logger
        state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
    }

    /// Takes over what the internal log holds, and goes on with what was decided. Call before anything else.
    func restore(_ stored: [String: Transaction.Image]) -> EventLoopFuture<Void> {
        onLoop {
            for (id, image) in stored {
                self.state.value.transactions[id] = Transaction(id: id, limits: self.limits())
                self.change(id) { transaction, _ in transaction.restore(image) }
            }
            self.snapshotIfWorthwhile()
            return self.eventLoop.makeSucceededVoidFuture()
        }
    }

    /// Answers whatever is parked: the producers will look for their coordinator anew.
    func stop() -> EventLoopFuture<Void> {
        onLoop {
            self.state.value.isStopped = true
            for timer in self.state.value.timers.values { timer.scheduled.cancel() }
            self.state.value.timers = [:]
            for promise in self.state.value.promises.values {
                promise.succeed(TransactionAnswer(error: .notCoordinator))
            }
            self.state.value.promises = [:]
            return self.eventLoop.makeSucceededVoidFuture()
        }
    }

    // MARK: Requests

    /// A producer introduces itself; the answer has its id and epoch.
    func initialise(_ id: String, _ request: TransactionInit) -> EventLoopFuture<TransactionAnswer> {
        onLoop {
            guard !id.isEmpty else { return self.answer(.invalidRequest) }
            guard self.state.value.transactions[id]?.needsProducerID ?? true else {
                return self.initialise(id, request, freshID: nil)
            }
            return self.producerIDs.next(on: self.eventLoop).flatMap { self.initialise(id, request, freshID: $0) }
                .flatMapError { error in
                    self.logger.error("cannot reserve producer ids", metadata: ["reason": "\(error)"])
                    return self.answer(.coordinatorNotAvailable)
                }
        }
    }

    private func initialise(
        _ id: String, _ request: TransactionInit, freshID: Int64?
    ) -> EventLoopFuture<TransactionAnswer> {
        if state.value.transactions[id] == nil, !state.value.isStopped {
            state.value.transactions[id] = Transaction(id: id, limits: limits())
        }
        return ask(id) { transaction, ticket, now in
            transaction.initialise(request, freshID: freshID, ticket: ticket, now: now)
        }
    }

    /// Adds partitions to a producer's transaction; the answer comes when that is on disk.
    func add(
        _ partitions: Set<TopicPartition>, to id: String, by producer: InternalLog.Producer
    ) -> EventLoopFuture<ErrorCode> {
        onLoop {
            self.ask(id) { transaction, ticket, now in
                transaction.add(partitions, by: producer, ticket: ticket, now: now)
            }
        }.map(\.error)
    }

    /// Commits or aborts; the answer comes when the outcome is decided on disk and the markers are there.
    func end(_ id: String, by producer: InternalLog.Producer, isCommit: Bool) -> EventLoopFuture<ErrorCode> {
        onLoop {
            self.ask(id) { transaction, ticket, now in
                transaction.end(isCommit: isCommit, by: producer, ticket: ticket, now: now)
            }
        }.map(\.error)
    }

    /// All transactional ids as they are on disk.
    func all() -> EventLoopFuture<[String: Transaction.Image]> {
        onLoop {
            let known = self.state.value.transactions.mapValues(\.image).filter { $0.value.producerID >= 0 }
            return self.eventLoop.makeSucceededFuture(known)
        }
    }

    // MARK: Inside

    private func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable () -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        eventLoop.inEventLoop ? body() : eventLoop.flatSubmit(body)
    }

    private func answer(_ error: ErrorCode) -> EventLoopFuture<TransactionAnswer> {
        eventLoop.makeSucceededFuture(TransactionAnswer(error: error))
    }

    private func ask(
        _ id: String, _ event: (inout Transaction, TransactionTicket, Milliseconds) -> [TransactionEffect]
    ) -> EventLoopFuture<TransactionAnswer> {
        guard !state.value.isStopped else { return answer(.notCoordinator) }
        guard state.value.transactions[id] != nil else { return answer(.invalidProducerIDMapping) }
        state.value.nextTicket += 1
        let ticket = TransactionTicket(rawValue: state.value.nextTicket)
        let promise = eventLoop.makePromise(of: TransactionAnswer.self)
        state.value.promises[ticket] = promise
        change(id) { transaction, now in event(&transaction, ticket, now) }
        return promise.futureResult
    }

    /// Lets an event happen to a transactional id, brings it up to the present first, tells the partitions what may be
    /// added where, and carries out what follows, in this order: a marker is written after its partition knows.
    private func change(_ id: String, _ event: (inout Transaction, Milliseconds) -> [TransactionEffect]) {
        guard var transaction = state.value.transactions.removeValue(forKey: id) else { return }
        let before = transaction.image
        let now = wallClock()
        transaction.limits = limits()
        let effects = transaction.tick(now: now) + event(&transaction, now)
        if transaction.image != before {
            logger.debug(
                "transaction changed",
                metadata: [
                    "transactional.id": "\(id)", "status": "\(transaction.status)",
                    "producer": "\(transaction.image.producerID)", "epoch": "\(transaction.image.epoch)",
                ])
        }
        let isBlank = transaction.image.producerID < 0 && transaction.transition == nil
        if transaction.isForgotten {
            topics.transactions.remove(producerID: transaction.image.producerID)
        } else if !isBlank {
            state.value.transactions[id] = transaction
            if transaction.image.producerID >= 0 {
                topics.transactions.set(transaction.image.producer, partitions: transaction.openPartitions)
            }
        }
        for effect in effects { carryOut(effect, of: id) }
        schedule(id)
    }

    private func carryOut(_ effect: TransactionEffect, of id: String) {
        switch effect {
        case .answer(let ticket, let answer):
            state.value.promises.removeValue(forKey: ticket)?.succeed(answer)
        case .persist(let image, let revision):
            write(TransactionRecord(id: id, image: image)).whenSuccess { error in
                guard revision > 0 else { return }
                self.change(id) { transaction, now in
                    transaction.persisted(revision: revision, error: error, now: now)
                }
            }
        case .mark(let producer, let isCommit, let partitions):
            let marks = partitions.map { mark($0, producer, isCommit: isCommit) }
            EventLoopFuture.whenAllSucceed(marks, on: eventLoop).whenSuccess { failed in
                self.change(id) { transaction, now in
                    transaction.marked(except: Set(failed.compactMap { $0 }), now: now)
                }
            }
        }
    }

    private func write(_ record: TransactionRecord) -> EventLoopFuture<ErrorCode> {
        state.value.writes += 1
        let written = log.append(record, on: eventLoop)
        written.whenComplete { _ in
            self.eventLoop.execute {
                self.state.value.writes -= 1
                self.snapshotIfWorthwhile()
            }
        }
        return written
    }

    /// Lets the log begin anew with all that counts, if it has grown and nothing is under way that it does not hold.
    private func snapshotIfWorthwhile() {
        guard state.value.writes == 0, log.wantsSnapshot else { return }
        log.begin(with: state.value.transactions.map { TransactionRecord(id: $0.key, image: $0.value.image) })
    }

    // MARK: Markers

    /// Writes one marker. Answers with the partition if it cannot be written; one that is gone needs none.
    private func mark(
        _ name: TopicPartition, _ producer: InternalLog.Producer, isCommit: Bool
    ) -> EventLoopFuture<TopicPartition?> {
        if name.topic == TopicName.groups {
            return groups.end(producer, isCommit: isCommit).map { $0 == .none ? nil : name }.hop(to: eventLoop)
        }
        guard let partition = topics.partition(name) else { return eventLoop.makeSucceededFuture(nil) }
        let marker = try? EndTransactionMarker(isCommit: isCommit)
            .batch(producerID: producer.id, producerEpoch: producer.epoch, timestamp: wallClock())
        guard let marker else { return eventLoop.makeSucceededFuture(name) }
        let promise = eventLoop.makePromise(of: TopicPartition?.self)
        partition.append(marker, origin: .coordinator, acknowledgement: .durable) { [topics, logger] result in
            switch result {
            case .success:
                promise.succeed(nil)
            case .failure(let error):
                let isGone = error.code == .closed && topics.partition(name) !== partition
                if !isGone {
                    logger.error(
                        "cannot write the end of a transaction",
                        metadata: ["partition": "\(name.topic)-\(name.partition)", "reason": "\(error)"])
                }
                promise.succeed(isGone ? nil : name)
            }
        }
        return promise.futureResult
    }

    // MARK: Time

    /// One timer per transactional id, for the next thing that is due. A timer that fires early looks again.
    private func schedule(_ id: String) {
        guard let deadline = state.value.transactions[id]?.nextDeadline, !state.value.isStopped else {
            state.value.timers.removeValue(forKey: id)?.scheduled.cancel()
            return
        }
        if let timer = state.value.timers[id] {
            guard deadline < timer.deadline else { return }
            timer.scheduled.cancel()
        }
        let delay = TimeAmount.milliseconds(max(0, deadline - wallClock()) + 1)
        let scheduled = eventLoop.scheduleTask(in: delay) {
            self.state.value.timers[id] = nil
            self.change(id) { _, _ in [] }
        }
        state.value.timers[id] = Timer(deadline: deadline, scheduled: scheduled)
    }
}
