import Logging
import ServiceLifecycle

/// Another relay holds the lease now.
struct LeaseLost: Error {}

extension OutboxRelay {
    /// Takes the relay's lease, under which it is one of those that share the outbox.
    func join() async throws -> HeldShards? {
        let (store, configuration) = (store, configuration)
        return try await persistently {
            try await store.transaction { [elapsed] transaction in
                let time = elapsed()
                return try store.lease(configuration.renewal(of: nil), in: transaction).map {
                    HeldShards(lease: $0, asOf: time, lasting: configuration.leaseDuration)
                }
            }
        }
    }

    /// Takes what nobody has, gives up what is more than its share; call it while nothing is on its way.
    ///
    /// - Returns: after what time to look again.
    func balance(_ held: inout HeldShards) async throws -> Duration {
        let (store, configuration) = (store, configuration)
        let (lease, before, exhausted, elapsed) = (held.lease, held.epochs, held.exhausted, elapsed)
        let (result, time) = try await persistently {
            try await store.transaction { transaction -> (Balance, Duration) in
                let time = elapsed()
                guard try store.lease(configuration.renewal(of: lease), in: transaction) != nil else {
                    throw LeaseLost()
                }
                let outbox = try store.outboxIdentity(in: transaction)
                let shards = try store.outboxShards(in: transaction)
                let relays = try store.leases(withPrefix: OutboxRelayConfiguration.leasePrefix, in: transaction)
                let plan = ShardPlan(of: lease.owner, holding: before, shards: shards, relays: relays)
                var balance = try Balance(
                    plan, of: outbox, by: configuration, shards: shards, relays: relays, of: store, in: transaction)
                let renewed = exhausted.filter { !plan.givingUp.contains($0) }
                balance.taken += try store.assign(renewed, to: configuration.instanceID, in: transaction)
                return (balance, time)
            }
        }
        held.renewed(asOf: time, lasting: configuration.leaseDuration)
        held.hold(result.taken, givingUp: result.givenUp)
        watch.hasFirstShard = held.numbers.first == 0
        store.outboxSignal.reachesEveryRelay = held.numbers.count == result.shards
        // A server that was promoted may know of a batch whose end it does not know of.
        if !held.outbox.isEmpty, held.outbox != result.outbox { held.mayHaveOpenBatches = true }
        held.outbox = result.outbox
        if !result.taken.isEmpty || !result.givenUp.isEmpty {
            logger.info(
                "relaying the outbox",
                metadata: ["shards": "\(held.numbers)", "epoch": "\(lease.epoch)", "relays": "\(result.relays)"])
        }
        return result.nextLook
    }

    /// What a relay did to come to its share.
    private struct Balance: Sendable {
        var outbox: String
        var taken: [OutboxShard]
        var givenUp: [Int32]
        var shards: Int
        var relays: Int
        var nextLook: Duration

        init(
            _ plan: ShardPlan, of outbox: String, by configuration: OutboxRelayConfiguration, shards: [OutboxShard],
            relays: [LeaseState], of store: S, in transaction: S.Transaction
        ) throws {
            self.outbox = outbox
            self.shards = shards.count
            var unfenced: Set<String> = []
            for dead in plan.fencing {
                // From here on it can neither mark nor claim. If it has renewed meanwhile, it is alive.
                let request = LeaseRequest(
                    name: dead.name, owner: configuration.instanceID, duration: configuration.leaseDuration)
                if let fence = try store.lease(request, in: transaction) {
                    try store.release(fence, in: transaction)
                } else {
                    unfenced.insert(dead.owner)
                }
            }
            let owners = Dictionary(uniqueKeysWithValues: shards.map { ($0.number, $0.owner) })
            let taking = plan.taking.filter { !(owners[$0]?.map(unfenced.contains) ?? false) }
            try store.assign(plan.givingUp, to: nil, in: transaction)
            taken = try store.assign(taking, to: configuration.instanceID, in: transaction)
            givenUp = plan.givingUp
            let living = relays.filter { $0.remaining > .zero }
            self.relays = living.count
            // In time for the next that may have died.
            let others = living.filter { $0.lease.owner != configuration.instanceID }.map(\.remaining)
            nextLook = min(configuration.pollInterval, configuration.leaseDuration / 3, others.min() ?? .seconds(60))
            nextLook = max(nextLook, .milliseconds(10))
        }
    }

    /// Renews the lease while a batch may be waiting for Kafka; throws `LeaseLost` when it has changed hands.
    func keep(_ lease: Lease) async throws {
        let (store, configuration) = (store, configuration)
        while true {
            try await clock.sleep(for: configuration.leaseDuration / 3)
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

    /// Gives shards and lease back, if they are still its own.
    func leave(_ lease: Lease) async throws {
        let (store, configuration) = (store, configuration)
        try await store.transaction { transaction in
            guard try store.lease(configuration.renewal(of: lease), in: transaction) != nil else { return }
            let own = try store.outboxShards(in: transaction).filter { $0.owner == lease.owner }.map(\.number)
            try store.assign(own, to: nil, in: transaction)
            try store.release(lease, in: transaction)
        }
    }

    /// After the lease was lost: whoever took it was a namesake, and then this relay must stop, or fenced one that it
    /// took for dead, and then it may come back.
    func standDown(from lease: Lease) async throws {
        let store = store
        let current = try await persistently {
            try await store.transaction { try store.currentLease(named: lease.name, in: $0) }
        }
        // A lower epoch is its own of before, on a server that was promoted without the last commits.
        if let current, current.owner == lease.owner, current.epoch > lease.epoch {
            throw TidingsError(.fenced, "another relay called \(lease.owner) has taken over this outbox")
        }
        logger.notice("another relay has taken over", metadata: ["owner": "\(current?.owner ?? "nobody")"])
    }
}

extension OutboxRelayConfiguration {
    /// What the names of all relays' leases begin with.
    package static let leasePrefix = "outbox/relay/"

    /// The name of the relay's lease.
    var leaseName: String { OutboxRelayConfiguration.leasePrefix + instanceID }

    func renewal(of lease: Lease?) -> LeaseRequest {
        LeaseRequest(name: leaseName, owner: instanceID, duration: leaseDuration, epoch: lease?.epoch)
    }
}
