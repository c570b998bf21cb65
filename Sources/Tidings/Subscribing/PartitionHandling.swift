import Logging
import ServiceLifecycle

/// Turns the records of one partition, in their order, into transactions: handlers, parked records and the offset.
///
/// Knows nothing of Kafka. The offset moves by compare-and-set, first thing in each transaction, so that an instance
/// whose partition has gone elsewhere is refused before a handler runs.
struct PartitionHandling<S: Store>: Sendable {
    let store: S
    let handlers: HandlerTable<S.Transaction>
    let configuration: SubscriptionConfiguration
    let clock: any Clock<Duration>
    let probe: (any Probe)?
    let logger: Logger
    let metrics: SubscriptionMetrics

    /// How far a batch came.
    enum Progress: Hashable, Sendable {
        /// All is handled or was before; this is the stored offset.
        case handled(stored: Int64?)
        /// The stored offset lies before the batch: someone set it back. Receiving goes on from there.
        case goBack(to: Int64?)
    }

    /// One delivery and what is to become of it.
    private struct Item: Sendable {
        enum Fate: Sendable {
            case passOver
            case run(HandlerTable<S.Transaction>.Work)
            case park(reason: String, attempts: Int)
        }

        var delivery: Delivery
        var fate: Fate
    }

    private struct StaleOffset: Error {}

    private struct HandlerFailure: Error {
        var index: Int
        var error: any Error
    }

    /// Handles deliveries of one partition in order.
    ///
    /// - Parameter stored: what the database is believed to hold.
    /// - Throws: a database error that will not pass by itself; `CancellationError`.
    func handle(
        _ deliveries: [Delivery], of place: GroupPartition, stored: Int64?
    ) async throws -> Progress {
        probe?.reached(Step(.received, deliveries.compactMap(\.eventID)))
        var stored = stored
        var rest = deliveries[...]
        var attempt = Attempt(limit: configuration.maximumBatchCount)
        while true {
            let redelivered = rest.prefix { delivery in stored.map { delivery.offset < $0 } ?? false }.count
            metrics.redelivered(redelivered)
            rest = rest.dropFirst(redelivered)
            guard let front = rest.first else { return .handled(stored: stored) }
            try Task.checkCancellation()
            do {
                let items = try await prepare(rest.prefix(attempt.limit), front: attempt.verdict)
                stored = try await commit(items, of: place, from: stored)
                rest = rest.dropFirst(items.count)
                attempt = Attempt(limit: configuration.maximumBatchCount)
            } catch is StaleOffset {
                let actual = try await storedOffset(of: place)
                metrics.refused()
                logger.notice(
                    "the offset has moved elsewhere; nothing of this batch took effect",
                    metadata: place.metadata(believed: stored, stored: actual))
                if actual ?? -1 < stored ?? -1 { return .goBack(to: actual) }
                stored = actual
            } catch let failure as HandlerFailure where failure.index > 0 {
                // What stands before it has no part in its failure and goes first.
                attempt.limit = failure.index
            } catch let failure as HandlerFailure {
                try await judge(failure.error, of: front, &attempt)
            } catch  where store.isRetriable(error) {
                try await wait(for: error, &attempt)
            }
        }
    }

    /// How the record at the front fares.
    private struct Attempt {
        /// How many records to try together.
        var limit: Int
        var failures = 0
        var databaseFailures = 0
        /// Set when the record at the front is to be parked.
        var verdict: Item.Fate?
    }

    /// After a handler threw: another attempt later, or the verdict to park.
    private func judge(_ error: any Error, of delivery: Delivery, _ attempt: inout Attempt) async throws {
        // What fails because this instance stops is no fault of the record, which comes again.
        try Task.checkCancellation()
        if Task.isShuttingDownGracefully { throw CancellationError() }
        if store.isRetriable(error) { return try await wait(for: error, &attempt) }
        attempt.limit = 1
        attempt.failures += 1
        metrics.failed()
        if configuration.isRetriable(error), attempt.failures < configuration.maximumAttempts {
            logger.info("a handler failed and is tried again", metadata: delivery.metadata(error: error))
            try await rest(after: attempt.failures)
        } else {
            logger.error("a handler failed; the record is parked", metadata: delivery.metadata(error: error))
            attempt.verdict = .park(reason: "\(error)", attempts: attempt.failures)
        }
    }

    /// The database refuses for reasons that pass: keep the membership and wait.
    private func wait(for error: any Error, _ attempt: inout Attempt) async throws {
        attempt.databaseFailures += 1
        logger.warning("the subscription's database refuses", metadata: ["error": "\(error)"])
        try await rest(after: attempt.databaseFailures)
    }

    private func rest(after failures: Int) async throws {
        await clock.rest(for: configuration.backoff.delay(after: failures))
        try Task.checkCancellation()
        if Task.isShuttingDownGracefully { throw CancellationError() }
    }

    /// Decodes deliveries and runs their asynchronous stages, up to the first that fails.
    private func prepare(_ deliveries: ArraySlice<Delivery>, front: Item.Fate?) async throws -> [Item] {
        let codecs = CodecTable(configuration.codecs)
        var items: [Item] = []
        items.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            if items.isEmpty, let front {
                items.append(Item(delivery: delivery, fate: front))
                continue
            }
            guard let handler = handlers.handler(for: delivery) else {
                items.append(Item(delivery: delivery, fate: .passOver))
                continue
            }
            do {
                items.append(Item(delivery: delivery, fate: .run(try await handler(delivery, codecs))))
            } catch let error as TidingsError where error.code == .cannotDecode {
                logger.error("a record cannot be read; it is parked", metadata: delivery.metadata(error: error))
                items.append(Item(delivery: delivery, fate: .park(reason: "\(error)", attempts: 1)))
            } catch  where items.isEmpty {
                throw HandlerFailure(index: 0, error: error)
            } catch {
                break
            }
        }
        return items
    }

    /// One transaction: the offset first, then each item's effects in order.
    ///
    /// - Returns: the offset now stored.
    private func commit(_ items: [Item], of place: GroupPartition, from stored: Int64?) async throws -> Int64? {
        guard let last = items.last else { return stored }
        let next = last.delivery.offset + 1
        let events = items.compactMap(\.delivery.eventID)
        probe?.reached(Step(.handlingStarts, events))
        let (store, probe) = (store, probe)
        let start = ContinuousClock.now
        let parked = try await store.transaction { transaction in
            guard try store.advance(place, from: stored, to: next, in: transaction) else { throw StaleOffset() }
            let parked = try apply(items, of: place, in: transaction)
            probe?.reached(Step(.handled, events))
            return parked
        }
        probe?.reached(Step(.handlingCommitted, events))
        metrics.handled(items.count, parked: parked, in: ContinuousClock.now - start)
        return next
    }

    /// - Returns: how many were parked.
    private func apply(_ items: [Item], of place: GroupPartition, in transaction: S.Transaction) throws -> Int {
        let keys = Set(items.lazy.compactMap(\.delivery.key))
        var parkedOffsets = keys.isEmpty ? [:] : try store.parkedOffsets(among: keys, of: place, in: transaction)
        var parked = 0
        for (index, item) in items.enumerated() {
            let delivery = item.delivery
            if case .passOver = item.fate { continue }
            if let key = delivery.key, let first = parkedOffsets[key], first < delivery.offset {
                let reason = "an earlier record of its key is parked"
                try store.park(delivery.parked(of: place, reason: reason, attempts: 0), in: transaction)
                parked += 1
                continue
            }
            switch item.fate {
            case .passOver:
                break
            case .run(let work):
                do {
                    try work(transaction)
                } catch {
                    throw HandlerFailure(index: index, error: error)
                }
            case .park(let reason, let attempts):
                try store.park(delivery.parked(of: place, reason: reason, attempts: attempts), in: transaction)
                parked += 1
                if let key = delivery.key { parkedOffsets[key] = delivery.offset }
            }
        }
        return parked
    }

    /// What the database holds, however long it takes to answer.
    func storedOffset(of place: GroupPartition) async throws -> Int64? {
        let store = store
        var attempt = Attempt(limit: 1)
        while true {
            do {
                return try await store.transaction { try store.offset(of: place, in: $0) }
            } catch  where store.isRetriable(error) {
                try await wait(for: error, &attempt)
            }
        }
    }
}

extension GroupPartition {
    fileprivate func metadata(believed: Int64?, stored: Int64?) -> Logger.Metadata {
        [
            "group": "\(group)", "topic": "\(topic)", "partition": "\(partition)",
            "believed": believed.map { "\($0)" } ?? "none", "stored": stored.map { "\($0)" } ?? "none",
        ]
    }
}

extension Delivery {
    fileprivate func metadata(error: any Error) -> Logger.Metadata {
        [
            "topic": "\(topic)", "partition": "\(partition)", "offset": "\(offset)",
            "event": "\(eventID?.rawValue ?? "")", "error": "\(error)",
        ]
    }

    fileprivate func parked(of place: GroupPartition, reason: String, attempts: Int) -> ParkedRecord {
        ParkedRecord(
            place: place, offset: offset, timestamp: timestamp, key: key, headers: headers, value: value,
            reason: reason, attempts: attempts)
    }
}
