import Logging
import Metrics
import ServiceLifecycle

/// Carries events from a database's outbox to Kafka.
///
/// ```swift
/// let producer = try Producer(.relay(kafka), logger: logger)
/// let relay = OutboxRelay(store: store, producer: producer, logger: logger)
/// let services = ServiceGroup(services: [producer, relay], logger: logger)
/// ```
///
/// It wakes right after a commit of its own process, and looks every ``OutboxRelayConfiguration/pollInterval`` for
/// those of others. It claims a batch in order, sends it pipelined, awaits once and marks once. A relay that dies
/// between sending and marking leaves the batch in the outbox: the next one sends it again, in the same order and with
/// the same ids; nothing is lost and nothing overtakes.
///
/// A lease in the database lets one relay at a time work, however many run. An event that can never go is parked with
/// its reason, and later events of its key with it; everything else flows on. While Kafka is away, events wait.
///
/// Give it a producer of its own whose messages never time out (`ProducerConfiguration.relay`): a message that timed
/// out and is sent again could be overtaken.
public final class OutboxRelay<S: Store>: Service {
    private let store: S
    private let sender: any RecordSender
    private let configuration: OutboxRelayConfiguration
    private let clock: any Clock<Duration>
    private let probe: (any Probe)?
    private let logger: Logger
    private let metrics = RelayMetrics()

    /// - Parameters:
    ///   - store: whose outbox to relay.
    ///   - producer: sends; a producer of the relay's own, see above.
    ///   - configuration: its name, its pace and its limits.
    ///   - clock: paces polls, renewals and pauses.
    ///   - probe: listens to the steps.
    public init(
        store: S, producer: any RecordSender,
        configuration: OutboxRelayConfiguration = OutboxRelayConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger
    ) {
        self.store = store
        self.sender = producer
        self.configuration = configuration
        self.clock = clock
        self.probe = probe
        self.logger = logger
    }

    /// Relays until graceful shutdown, when the batch in hand is finished, or cancellation.
    ///
    /// - Throws: ``TidingsError/Code/fenced`` when another relay uses the same name; a database error that will not
    ///   pass by itself; a producer's fatal error.
    public func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            guard let lease = try await acquireLease() else {
                await clock.rest(for: min(configuration.pollInterval, configuration.leaseDuration / 2))
                continue
            }
            logger.info("relaying the outbox", metadata: ["epoch": "\(lease.epoch)"])
            do {
                try await relay(under: lease)
                try await release(lease)
            } catch is LeaseLost {
                try await standDown(from: lease)
            } catch {
                // Whatever ended it: the next relay need not wait for the lease to expire.
                try? await release(lease)
                throw error
            }
        }
    }

    private func relay(under lease: Lease) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keep(lease) }
            group.addTask { try await self.drain(under: lease) }
            group.addTask {
                try? await gracefulShutdown()
                try? await self.clock.sleep(for: self.configuration.shutdownGrace)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    // MARK: Batches

    private func drain(under lease: Lease) async throws {
        var settlement: RelaySettlement?
        var failures = 0
        while true {
            let obstacle = settlement?.obstacle
            let goesOn = obstacle == nil && !Task.isShuttingDownGracefully
            let claimed = try await turn(settlement, claiming: goesOn, under: lease)
            if let obstacle {
                settlement = nil
                if obstacle.isFatal { throw obstacle }
                failures += 1
                if Task.isShuttingDownGracefully { return }
                await clock.rest(for: configuration.backoff.delay(after: failures))
                try Task.checkCancellation()
                continue
            }
            settlement = nil
            if Task.isShuttingDownGracefully { return }
            if claimed.isEmpty {
                metrics.caughtUp()
                await clock.rest(for: configuration.pollInterval, orUntil: store.outboxSignal)
                try Task.checkCancellation()
                continue
            }
            settlement = try await send(claimed)
            if settlement?.obstacle == nil { failures = 0 }
        }
    }

    private func send(_ claimed: [OutboxEntry]) async throws -> RelaySettlement {
        probe?.reached(Step(.relayClaimed, claimed.map(\.record.eventID)))
        metrics.claimed(claimed)
        let batch = RelayBatch(claimed: claimed, maximumRecordBytes: configuration.maximumRecordBytes)
        var outcomes: [SendOutcome] = []
        if !batch.sending.isEmpty {
            do {
                outcomes = try await sender.send(batch.sending.map(\.record))
            } catch let failure as SendFailure {
                outcomes = batch.sending.map { _ in .failed(failure) }
            }
        }
        let settlement = batch.settle(outcomes)
        probe?.reached(Step(.relayAcknowledged, settlement.sent.map(\.record.eventID)))
        metrics.settled(settlement)
        report(settlement)
        return settlement
    }

    /// One transaction: proves the lease, marks what has become of the last batch, claims the next.
    private func turn(
        _ settlement: RelaySettlement?, claiming: Bool, under lease: Lease
    ) async throws -> [OutboxEntry] {
        let (store, probe, configuration) = (store, probe, configuration)
        let events = settlement?.sent.map(\.record.eventID) ?? []
        let claimed = try await persistently { () async throws -> [OutboxEntry] in
            try await store.transaction { transaction in
                guard try store.lease(configuration.renewal(of: lease), in: transaction) != nil else {
                    throw LeaseLost()
                }
                if let settlement {
                    try store.remove(settlement.sent.map(\.sequence), in: transaction)
                    try store.park(settlement.parked, in: transaction)
                    probe?.reached(Step(.relayMarking, events))
                }
                guard claiming else { return [] }
                let request = ClaimRequest(
                    maximumCount: configuration.maximumBatchCount, maximumBytes: configuration.maximumBatchBytes)
                return try store.claim(request, in: transaction)
            }
        }
        if settlement != nil { probe?.reached(Step(.relayMarked, events)) }
        return claimed
    }

    private func report(_ settlement: RelaySettlement) {
        for parked in settlement.parked {
            logger.error(
                "an event is parked", metadata: ["sequence": "\(parked.sequence)", "reason": "\(parked.reason)"])
        }
        if let obstacle = settlement.obstacle {
            logger.warning(
                "events wait to be sent again",
                metadata: ["count": "\(settlement.retries)", "reason": "\(obstacle.message)"])
        }
    }

    // MARK: The lease

    private struct LeaseLost: Error {}

    private func acquireLease() async throws -> Lease? {
        let (store, configuration) = (store, configuration)
        return try await persistently {
            try await store.transaction { transaction in
                try store.lease(configuration.renewal(of: nil), in: transaction)
            }
        }
    }

    /// Renews the lease while a batch may be waiting for Kafka; throws `LeaseLost` when it has changed hands.
    private func keep(_ lease: Lease) async throws {
        let (store, configuration) = (store, configuration)
        while true {
            try await clock.sleep(for: configuration.leaseDuration / 3)
            metrics.age()
            do {
                let kept = try await store.transaction { transaction in
                    try store.lease(configuration.renewal(of: lease), in: transaction) != nil
                }
                if !kept { throw LeaseLost() }
            } catch  where store.isRetriable(error) {
                logger.warning("the relay's lease could not be renewed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func release(_ lease: Lease) async throws {
        let store = store
        try await store.transaction { transaction in try store.release(lease, in: transaction) }
    }

    private func standDown(from lease: Lease) async throws {
        let store = store
        let current = try await persistently {
            try await store.transaction { try store.currentLease(named: lease.name, in: $0) }
        }
        if let current, current.owner == lease.owner {
            throw TidingsError(.fenced, "another relay called \(lease.owner) has taken over this outbox")
        }
        logger.notice("another relay has taken over", metadata: ["owner": "\(current?.owner ?? "nobody")"])
    }

    /// Tries again, with growing pauses, while the database refuses for reasons that pass.
    private func persistently<R: Sendable>(_ attempt: () async throws -> R) async throws -> R {
        var failures = 0
        while true {
            do {
                return try await attempt()
            } catch  where store.isRetriable(error) {
                failures += 1
                logger.warning("the outbox's database refuses", metadata: ["error": "\(error)"])
                await clock.rest(for: configuration.backoff.delay(after: failures))
                try Task.checkCancellation()
                if Task.isShuttingDownGracefully { throw error }
            }
        }
    }
}

extension OutboxRelayConfiguration {
    fileprivate func renewal(of lease: Lease?) -> LeaseRequest {
        LeaseRequest(name: "outbox", owner: instanceID, duration: leaseDuration, epoch: lease?.epoch)
    }
}
