import Logging
import ServiceLifecycle

extension OutboxRelay {
    /// One transaction: proves the lease, writes down what has become of the last batches, claims the next.
    func turn(
        _ settlement: OutboxSettlement?, claiming: Bool, with held: inout HeldShards
    ) async throws -> [OutboxEntry] {
        guard claiming && !held.numbers.isEmpty || settlement != nil else { return [] }
        let (store, configuration) = (store, configuration)
        if let settlement, !settlement.kept.isEmpty { held.mayHaveOpenBatches = true }
        let claimed = try await persistently { () async throws -> [OutboxEntry] in
            let (lease, shards, looksForOpen) = (held.lease, held.numbers, held.mayHaveOpenBatches)
            let batches = claiming ? held.nextBatches() : []
            // Should this attempt fail, nobody knows whether it was committed.
            if claiming { held.mayHaveOpenBatches = true }
            typealias Turn = (claimed: [OutboxEntry], wasOpen: Bool, time: Duration)
            let (claimed, wasOpen, time) = try await store.transaction { transaction -> Turn in
                let time = try self.mark(settlement, under: lease, in: transaction)
                guard claiming else { return ([], looksForOpen, time) }
                var open = looksForOpen ? try store.openBatches(of: shards, in: transaction) : []
                for index in open.indices { open[index].isRepeated = true }
                let busy = Set(open.map(\.batch.shard))
                let request = configuration.claim(batches.filter { !busy.contains($0.shard) })
                return (try open + store.claim(request, in: transaction), !open.isEmpty, time)
            }
            held.renewed(asOf: time, lasting: configuration.leaseDuration)
            // Behind an open batch there may be another.
            held.mayHaveOpenBatches = wasOpen
            return claimed
        }
        if let settlement { probe?.reached(Step(.relayMarked, settlement.sent.map(\.record.eventID))) }
        return claimed
    }

    /// The same while a batch is under way: claims what is behind it.
    ///
    /// - Returns: what is claimed; nil when nobody knows, because the database refused.
    func claimAhead(
        behind underWay: [OutboxEntry], settling settlement: OutboxSettlement?, with held: inout HeldShards
    ) async throws -> [OutboxEntry]? {
        let (store, lease) = (store, held.lease)
        let request = configuration.claim(held.nextBatches(), underWay: underWay)
        do {
            let (claimed, time) = try await store.transaction { transaction in
                let time = try self.mark(settlement, under: lease, in: transaction)
                return (try store.claim(request, in: transaction), time)
            }
            held.renewed(asOf: time, lasting: configuration.leaseDuration)
            if let settlement { probe?.reached(Step(.relayMarked, settlement.sent.map(\.record.eventID))) }
            return claimed
        } catch  where store.isRetriable(error) {
            logger.warning("the outbox's database refuses", metadata: ["error": "\(error)"])
            held.mayHaveOpenBatches = true
            return nil
        }
    }

    /// Proves the lease and writes down what has become of batches.
    ///
    /// - Returns: the time from which the lease lasts: however long the transaction has waited for its connection.
    private func mark(
        _ settlement: OutboxSettlement?, under lease: Lease, in transaction: S.Transaction
    ) throws -> Duration {
        let time = elapsed()
        guard try store.lease(configuration.renewal(of: lease), in: transaction) != nil else { throw LeaseLost() }
        guard let settlement else { return time }
        try store.settle(settlement, in: transaction)
        probe?.reached(Step(.relayMarking, settlement.sent.map(\.record.eventID)))
        return time
    }

    /// Tries again, with growing pauses, while the database refuses for reasons that pass.
    func persistently<R: Sendable>(_ attempt: () async throws -> R) async throws -> R {
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
