import KafkaClient
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
/// It wakes right after a commit, of its own process or of others (``Store/listenForAppends()``), and looks every
/// ``OutboxRelayConfiguration/pollInterval`` in any case. It claims a batch in order, stamps it durably, sends it
/// pipelined, awaits once and marks once; while a backlog fills its batches, it claims the next and marks the one before
/// while one is on its way. A relay that dies between sending and marking leaves batches *open*: the next one sends
/// exactly those again, in the same order, with the same ids and the same stamps (``EventStamp``), so that readers know
/// them for duplicates; nothing is lost and nothing overtakes.
///
/// However many relays run, each shard of the outbox (``OutboxShard``) has one at a time: they divide the shards among
/// them, finish what is in hand before they hand a shard over, and take over those of a relay whose lease expires. An
/// event that can never go is parked with its reason, and later events of its key with it; everything else flows on.
/// While Kafka is away, events wait; ``OutboxAlarms`` tell. `tidings outbox` lets what is parked go again
/// (``Store/retryParked(_:in:)``).
///
/// With ``OutboxPublishing/exactlyOnce`` nothing is sent twice either, as far as readers of committed records see; then it
/// makes its own producers (``init(store:kafka:publishing:configuration:clock:probe:logger:)``).
///
/// Give it a producer of its own whose messages never time out (`ProducerConfiguration.relay`): a message that timed
/// out and is sent again could be overtaken.
public final class OutboxRelay<S: Store>: Service {
    let store: S
    let sending: any BatchSending
    let configuration: OutboxRelayConfiguration
    let clock: any Clock<Duration>
    let probe: (any Probe)?
    let logger: Logger
    let metrics = RelayMetrics()
    let watch = RelayWatch()

    /// The time that has passed on the clock since the relay was made.
    let elapsed: @Sendable () -> Duration

    /// - Parameters:
    ///   - store: whose outbox to relay.
    ///   - producer: sends; a producer of the relay's own, see above.
    ///   - configuration: its name, its pace and its limits.
    ///   - clock: paces polls, renewals and pauses.
    ///   - probe: listens to the steps.
    public convenience init(
        store: S, producer: any RecordSender,
        configuration: OutboxRelayConfiguration = OutboxRelayConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger
    ) {
        let elapsed = clock.stopwatch()
        self.init(
            store: store,
            sending: StampedSending(
                sender: producer, maximumRecordBytes: configuration.maximumRecordBytes,
                patience: RelayPatience(configuration, elapsed: elapsed)),
            configuration: configuration, clock: clock, elapsed: elapsed, probe: probe, logger: logger)
    }

    /// A relay that makes its own producers, which are gone when it is released.
    ///
    /// ```swift
    /// let relay = try OutboxRelay(store: store, kafka: kafka, publishing: .exactlyOnce, logger: logger)
    /// ```
    ///
    /// - Parameters:
    ///   - store: whose outbox to relay.
    ///   - kafka: where to.
    ///   - publishing: how often an event may be in Kafka; the same for all relays of an outbox.
    ///   - configuration: its name, its pace and its limits.
    ///   - clock: paces polls, renewals and pauses.
    ///   - probe: listens to the steps.
    /// - Throws: ``/KafkaClient/KafkaError`` if the configuration is wrong, naming the property.
    public convenience init(
        store: S, kafka: KafkaConfiguration, publishing: OutboxPublishing = .atLeastOnce,
        configuration: OutboxRelayConfiguration = OutboxRelayConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger
    ) throws {
        let elapsed = clock.stopwatch()
        let patience = RelayPatience(configuration, elapsed: elapsed)
        let sending: any BatchSending
        switch publishing.kind {
        case .atLeastOnce:
            sending = StampedSending(
                sender: try Producer(.relay(kafka), logger: logger),
                maximumRecordBytes: configuration.maximumRecordBytes, patience: patience)
        case .exactlyOnce:
            let transactions = KafkaBatchTransactions(
                kafka: kafka, timeout: publishing.transactionTimeout, logger: logger)
            sending = ExactlyOnceSending(
                transactions, maximumRecordBytes: configuration.maximumRecordBytes, patience: patience, probe: probe)
        }
        self.init(
            store: store, sending: sending, configuration: configuration, clock: clock, elapsed: elapsed,
            probe: probe, logger: logger)
    }

    init(
        store: S, sending: any BatchSending, configuration: OutboxRelayConfiguration, clock: any Clock<Duration>,
        elapsed: @escaping @Sendable () -> Duration, probe: (any Probe)? = nil, logger: Logger
    ) {
        self.store = store
        self.sending = sending
        self.configuration = configuration
        self.clock = clock
        self.elapsed = elapsed
        self.probe = probe
        self.logger = logger
    }

    /// Relays until graceful shutdown, when the batch in hand is finished, or cancellation.
    ///
    /// - Throws: ``TidingsError/Code/fenced`` when another relay uses the same name; a database error that will not
    ///   pass by itself; a producer's fatal error.
    public func run() async throws {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            guard let held = try await join() else {
                await clock.rest(for: min(configuration.pollInterval, configuration.leaseDuration / 2))
                continue
            }
            do {
                try await relay(with: held)
                try await leave(held.lease)
            } catch is LeaseLost {
                try await standDown(from: held.lease)
            } catch {
                // Whatever ended it: the next relay need not wait for the lease to expire.
                try? await leave(held.lease)
                throw error
            }
        }
    }

    private func relay(with held: HeldShards) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keep(held.lease) }
            group.addTask { try await self.lookAfter() }
            group.addTask { try await self.listen() }
            group.addTask { try await self.drain(with: held) }
            group.addTask {
                try? await gracefulShutdown()
                try? await self.clock.sleep(for: self.configuration.shutdownGrace)
            }
            defer {
                self.store.outboxSignal.reachesEveryRelay = false
                group.cancelAll()
            }
            try await group.next()
        }
    }

    private func drain(with initial: HeldShards) async throws {
        var held = initial
        var nextBalance = Duration.zero
        var failures = 0
        var last: RelaySettlement?
        var isGathering = false
        while true {
            let isEnding = Task.isShuttingDownGracefully
            let obstacle = last?.obstacle
            let mustBalance = elapsed() >= nextBalance
            let claimed = try await turn(
                last?.settlement, claiming: obstacle == nil && !isEnding && !mustBalance && !isGathering, with: &held)
            last = nil
            if let obstacle {
                if obstacle.isFatal { throw obstacle }
                if obstacle.fault != .size { failures += 1 }
            }
            if isEnding || Task.isShuttingDownGracefully { return }
            // Nothing is on its way now: the moment to hand shards over.
            if mustBalance {
                let pause = try await balance(&held)
                // From now on: looking may take longer than the pause between two looks.
                nextBalance = elapsed() + pause
            }
            if obstacle?.fault == .size {
                // It goes in smaller portions at once.
            } else if obstacle != nil {
                await clock.rest(for: configuration.backoff.delay(after: failures))
                try Task.checkCancellation()
            } else if claimed.isEmpty, !mustBalance {
                if !isGathering {
                    metrics.caughtUp()
                    let pause = min(configuration.pollInterval, max(nextBalance - elapsed(), .milliseconds(1)))
                    await clock.rest(for: pause, orUntil: store.outboxSignal)
                }
                if configuration.gathering > .zero { await clock.rest(for: configuration.gathering) }
                isGathering = false
                try Task.checkCancellation()
            } else if !claimed.isEmpty, held.maySend(at: elapsed()) {
                last = try await stream(claimed, until: nextBalance, with: &held)
                if last?.obstacle == nil { failures = 0 }
                isGathering = configuration.gathering > .zero && claimed.count < configuration.maximumBatchCount
            } else if !claimed.isEmpty {
                // It took so long that somebody may have taken over: look again, before anything is sent.
                held.mayHaveOpenBatches = true
            }
        }
    }

    /// Sends what is claimed and, while it fills its batches, what is claimed behind it meanwhile; until that time.
    ///
    /// - Returns: what is still to be written down.
    private func stream(
        _ first: [OutboxEntry], until end: Duration, with held: inout HeldShards
    ) async throws -> RelaySettlement {
        var stream = RelayStream(first)
        var ready: [ReadyBatch]? = sending.prepare(first)
        while sending.sendsAhead, stream.isFull(within: configuration), !held.mayHaveOpenBatches, elapsed() < end {
            let (claimed, right, batches) = (stream.claimed, held, ready)
            async let sent = send(claimed, as: batches ?? sending.prepare(claimed), with: right)
            let ahead = try await claimAhead(
                behind: claimed, settling: stream.unmarked?.settlement, with: &held)
            // Made ready while Kafka has the one before; where the database is the slower, while that claims the next.
            ready = watch.sending == nil ? nil : ahead.map(sending.prepare)
            let result = try await sent
            // As of now: Kafka may have taken longer than the lease lasts.
            let maySend = held.maySend(at: elapsed()) && !Task.isShuttingDownGracefully
            if let rest = stream.finish(result, behind: ahead, maySend: maySend) { return rest }
        }
        let batches = ready ?? sending.prepare(stream.claimed)
        return stream.end(try await send(stream.claimed, as: batches, with: held))
    }

    private func send(
        _ claimed: [OutboxEntry], as ready: [ReadyBatch], with held: HeldShards
    ) async throws -> RelaySettlement {
        probe?.reached(Step(.relayClaimed, claimed.map(\.record.eventID)))
        metrics.claimed(claimed)
        let right = SendRight(outbox: held.outbox, epochs: held.epochs) { [elapsed] in held.maySend(at: elapsed()) }
        watch.sends(at: elapsed())
        var result = try await sending.send(ready, by: right)
        result.settlement.keepsSent = configuration.keepSent != nil
        watch.answered(result.obstacle?.message)
        probe?.reached(Step(.relayAcknowledged, result.settlement.sent.map(\.record.eventID)))
        metrics.settled(result)
        report(result)
        return result
    }

    private func report(_ result: RelaySettlement) {
        for parked in result.settlement.parked {
            logger.error(
                "an event is parked",
                metadata: ["event": "\(parked.entry.record.eventID)", "reason": "\(parked.reason)"])
        }
        if let obstacle = result.obstacle {
            logger.warning(
                "events wait to be sent again",
                metadata: ["count": "\(result.retries)", "reason": "\(obstacle.message)"])
        }
    }
}

extension Clock where Duration == Swift.Duration {
    /// Tells the time that has passed since it was made.
    func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }
}
