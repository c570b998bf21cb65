import Logging
import ServiceLifecycle
import Tracing

/// Turns the records of one lane, in their order, into transactions: handlers, parked records, the offset and what is
/// remembered of the stamps.
///
/// Knows nothing of Kafka. The offset moves by compare-and-set, first thing in each transaction, so that an instance
/// whose partition has gone elsewhere is refused before a handler runs. The memory changes with the offset only: while
/// the offset is what it is believed to be, so is the memory, and duplicates are known before the transaction.
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
        /// All is handled or was before; this is what is stored.
        case handled(LaneState)
        /// The stored offset lies before the batch: someone set it back. Receiving goes on from there.
        case goBack(LaneState)
        /// Told to stop, it stopped here.
        case stopped(LaneState)
    }

    /// One delivery and what is to become of it.
    struct Item: Sendable {
        enum Fate: Sendable {
            case passOver
            case duplicate
            case run(HandlerTable<S.Transaction>.Work)
            case park(reason: String, attempts: Int)
        }

        var delivery: Delivery
        var fate: Fate
    }

    /// What goes into one transaction.
    private struct Work: Sendable {
        var items: [Item] = []
        /// What will be remembered of the stamps, and of which sources that is news.
        var memories: [StampSource: StampMemory]
        var touched: Set<StampSource> = []

        mutating func append(_ item: Item, _ stamp: EventStamp?) {
            items.append(item)
            guard let stamp, memories[stamp.source, default: StampMemory()].insert(stamp) else { return }
            touched.insert(stamp.source)
        }
    }

    struct StaleOffset: Error {}

    struct HandlerFailure: Error {
        var index: Int
        var error: any Error
    }

    /// Handles deliveries of one lane in order.
    ///
    /// - Parameters:
    ///   - state: what the database is believed to hold of the lane.
    ///   - end: the offset up to which the lane is handled when all of these are; nil right behind the last one.
    ///   - pace: how many to take together.
    ///   - stop: when it opens, the transaction in hand is the last.
    /// - Throws: a database error that will not pass by itself; `CancellationError`.
    func handle(
        _ deliveries: [Delivery], of place: GroupPartition, from state: LaneState, upTo end: Int64? = nil,
        pace: Pace? = nil, stop: Latch = Latch()
    ) async throws -> Progress {
        probe?.reached(Step(.received, deliveries.compactMap(\.eventID)))
        let pace = pace ?? self.pace
        var state = state
        var rest = deliveries[...]
        var attempt = Attempt()
        while true {
            let redelivered = rest.prefix { delivery in state.offset.map { delivery.offset < $0 } ?? false }.count
            metrics.redelivered(redelivered)
            rest = rest.dropFirst(redelivered)
            guard let front = rest.first else { return .handled(state) }
            try Task.checkCancellation()
            if stop.isOpen { return .stopped(state) }
            do {
                let work = try await prepare(rest.prefix(attempt.limit ?? pace.limit), front: attempt.verdict, state)
                rest = rest.dropFirst(work.items.count)
                let next = rest.isEmpty ? end : nil
                do {
                    state = try await commit(work, of: place, from: state, upTo: next, pace: pace)
                } catch {
                    rest = deliveries[(rest.startIndex - work.items.count)...]
                    throw error
                }
                attempt = Attempt()
            } catch is StaleOffset {
                let actual = try await lanes(of: [place], stop: stop)[0].states.first { $0.lane == place.lane }
                metrics.refused()
                logger.notice(
                    "the offset has moved elsewhere; nothing of this batch took effect",
                    metadata: place.metadata(believed: state.offset, stored: actual?.offset))
                guard let actual, actual.offset ?? -1 >= state.offset ?? -1 else {
                    return .goBack(actual ?? LaneState(place.lane, offset: nil))
                }
                state = actual
                // Whatever was found of the record at the front: another one may stand there now.
                attempt = Attempt()
            } catch let failure as HandlerFailure where failure.index > 0 {
                // What stands before it has no part in its failure and goes first.
                attempt.limit = failure.index
            } catch let failure as HandlerFailure {
                guard try await judge(failure.error, of: front, &attempt, stop) else { return .stopped(state) }
            } catch  where store.isRetriable(error) {
                guard try await wait(for: error, &attempt, stop) else { return .stopped(state) }
            }
        }
    }

    /// For those who do not keep one from batch to batch.
    var pace: Pace {
        Pace(maximumCount: configuration.maximumBatchCount, maximumTime: configuration.maximumTransactionTime)
    }

    /// How the record at the front fares.
    struct Attempt {
        /// How many records to try together, where the pace does not decide.
        var limit: Int?
        var failures = 0
        var databaseFailures = 0
        /// Set when the record at the front is to be parked.
        var verdict: Item.Fate?
    }

    /// After a handler threw: another attempt later, or the verdict to park.
    ///
    /// - Returns: false when there is no later.
    func judge(
        _ error: any Error, of delivery: Delivery, _ attempt: inout Attempt, _ stop: Latch
    ) async throws -> Bool {
        // What fails because this instance stops is no fault of the record, which comes again.
        try Task.checkCancellation()
        if stop.isOpen { return false }
        if Task.isShuttingDownGracefully { throw CancellationError() }
        if store.isRetriable(error) { return try await wait(for: error, &attempt, stop) }
        attempt.limit = 1
        attempt.failures += 1
        metrics.failed()
        if configuration.isRetriable(error), attempt.failures < configuration.maximumAttempts {
            logger.info("a handler failed and is tried again", metadata: delivery.metadata(error: error))
            return try await rest(after: attempt.failures, stop)
        }
        logger.error("a handler failed; the record is parked", metadata: delivery.metadata(error: error))
        attempt.verdict = .park(reason: "\(error)", attempts: attempt.failures)
        return true
    }

    /// The database refuses for reasons that pass: keep the membership and wait.
    func wait(for error: any Error, _ attempt: inout Attempt, _ stop: Latch) async throws -> Bool {
        attempt.databaseFailures += 1
        logger.warning("the subscription's database refuses", metadata: ["error": "\(error)"])
        return try await rest(after: attempt.databaseFailures, stop)
    }

    private func rest(after failures: Int, _ stop: Latch) async throws -> Bool {
        await clock.rest(for: configuration.backoff.delay(after: failures), or: stop)
        try Task.checkCancellation()
        if stop.isOpen { return false }
        if Task.isShuttingDownGracefully { throw CancellationError() }
        return true
    }

    /// Decodes deliveries and runs their asynchronous stages, up to the first that fails.
    private func prepare(
        _ deliveries: ArraySlice<Delivery>, front: Item.Fate?, _ state: LaneState
    ) async throws -> Work {
        var work = Work(memories: state.memories)
        work.items.reserveCapacity(deliveries.count)
        for delivery in deliveries {
            let fate: Item.Fate
            let stamp = EventStamp(delivery.headers)
            if let stamp, work.memories[stamp.source]?.contains(stamp) == true {
                fate = .duplicate
            } else if work.items.isEmpty, let front {
                fate = front
            } else {
                do {
                    fate = try await self.fate(of: delivery)
                } catch  where work.items.isEmpty {
                    throw error
                } catch {
                    return work
                }
            }
            work.append(Item(delivery: delivery, fate: fate), stamp)
        }
        return work
    }

    /// Decodes a delivery and runs its asynchronous stage.
    ///
    /// - Throws: `HandlerFailure`.
    func fate(of delivery: Delivery) async throws -> Item.Fate {
        let versions = configuration.versions
        guard let handler = handlers.handler(for: delivery, versions) else {
            guard delivery.hasUnreadableEnvelope else { return .passOver }
            logger.error("a record's envelope cannot be read; it is parked", metadata: delivery.metadata())
            return .park(reason: "it says that it is a CloudEvent, and its envelope cannot be read", attempts: 1)
        }
        let codecs = CodecTable(configuration.codecs, versions: versions)
        let (context, metrics) = (delivery.context(), metrics)
        do {
            let work = try await ServiceContext.withValue(context) { try await handler(delivery, codecs) }
            return .run { transaction in
                let start = ContinuousClock.now
                defer { metrics.handler(took: ContinuousClock.now - start) }
                try delivery.withSpan(in: context) { try work(transaction) }
            }
        } catch let error as TidingsError where error.code == .cannotDecode {
            logger.error("a record cannot be read; it is parked", metadata: delivery.metadata(error: error))
            return .park(reason: "\(error)", attempts: 1)
        } catch {
            throw HandlerFailure(index: 0, error: error)
        }
    }

    /// One transaction: the offset first, then each item's effects in order.
    ///
    /// - Returns: what is now stored.
    private func commit(
        _ work: Work, of place: GroupPartition, from state: LaneState, upTo end: Int64?, pace: Pace
    ) async throws -> LaneState {
        guard let last = work.items.last else { return state }
        let next = max(last.delivery.offset + 1, end ?? 0)
        let events = work.items.compactMap(\.delivery.eventID)
        let news = work.memories.filter { work.touched.contains($0.key) }
        probe?.reached(Step(.handlingStarts, events))
        let (store, probe) = (store, probe)
        let start = ContinuousClock.now
        let parked = try await transaction(with: work.items) { transaction in
            guard try store.advance(place, from: state.offset, to: next, remembering: news, in: transaction) else {
                throw StaleOffset()
            }
            let parked = try apply(work.items, of: place, in: transaction)
            probe?.reached(Step(.handled, events))
            return parked
        }
        let time = ContinuousClock.now - start
        pace.took(time, for: work.items.count)
        probe?.reached(Step(.handlingCommitted, events))
        let duplicates = work.items.filter { if case .duplicate = $0.fate { true } else { false } }
        metrics.handled(work.items.count - parked - duplicates.count, parked: parked, in: time)
        if let first = duplicates.first {
            metrics.suppressed(duplicates.count)
            logger.notice(
                "a relay has sent events twice; they had their one effect before",
                metadata: [
                    "group": "\(place.group)", "topic": "\(place.topic)", "partition": "\(place.partition)",
                    "count": "\(duplicates.count)", "first": "\(first.delivery.eventID?.rawValue ?? "")",
                ])
        }
        return LaneState(state.lane, offset: next, memories: work.memories)
    }

    /// Runs a transaction. Where handlers wrote in it, what the database then refuses for good is a handler's failure like
    /// any other, though no handler threw: a constraint that is checked at the commit, or a statement whose error was
    /// swallowed and that spoils all that follow. Whose it is shows when fewer are tried together.
    func transaction<R: Sendable>(
        with items: [Item], _ body: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        do {
            return try await store.transaction(body)
        } catch  where !(error is HandlerFailure || error is StaleOffset || error is CancellationError) {
            // Where no handler had a part in it, nothing is gained by parking.
            let hasRun = items.contains { if case .run = $0.fate { true } else { false } }
            guard hasRun, !store.isRetriable(error) else { throw error }
            throw HandlerFailure(index: items.count / 2, error: error)
        }
    }

    /// - Returns: how many were parked.
    private func apply(_ items: [Item], of place: GroupPartition, in transaction: S.Transaction) throws -> Int {
        let keys = Set(items.lazy.compactMap(\.delivery.key))
        var parkedOffsets = keys.isEmpty ? [:] : try store.parkedOffsets(among: keys, of: place, in: transaction)
        var parked = 0
        var handled: [Delivery] = []
        for (index, item) in items.enumerated() {
            let delivery = item.delivery
            switch item.fate {
            case .passOver, .duplicate: continue
            case .run, .park: break
            }
            if let key = delivery.key, let first = parkedOffsets[key], first < delivery.offset {
                let reason = "an earlier record of its key is parked"
                try store.park(delivery.parked(of: place, reason: reason, attempts: 0), in: transaction)
                parked += 1
                continue
            }
            switch item.fate {
            case .passOver, .duplicate:
                break
            case .run(let work):
                do {
                    try work(transaction)
                } catch {
                    throw HandlerFailure(index: index, error: error)
                }
                // Read again after it was parked: it is handled now, and what is behind it in the log comes again.
                if let key = delivery.key, parkedOffsets[key] == delivery.offset {
                    _ = try store.removeParked([delivery.offset], of: place, in: transaction)
                    parkedOffsets[key] = try store.parkedOffsets(among: [key], of: place, in: transaction)[key]
                } else if delivery.key == nil {
                    handled.append(delivery)
                }
            case .park(let reason, let attempts):
                try park(delivery.parked(of: place, reason: reason, attempts: attempts), in: transaction)
                parked += 1
                if let key = delivery.key, configuration.deadLetters.isInDatabase {
                    parkedOffsets[key] = delivery.offset
                }
            }
        }
        if !handled.isEmpty { _ = try store.removeParked(handled.map(\.offset), of: place, in: transaction) }
        return parked
    }

    private func park(_ record: ParkedRecord, in transaction: S.Transaction) throws {
        let destination = configuration.deadLetters
        if destination.isInDatabase { try store.park(record, in: transaction) }
        if let topic = destination.topic { try store.append(record.letter(to: topic), in: transaction) }
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
    fileprivate func metadata(error: (any Error)? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "topic": "\(topic)", "partition": "\(partition)", "offset": "\(offset)",
            "event": "\(eventID?.rawValue ?? "")",
        ]
        if let error { metadata["error"] = "\(error)" }
        return metadata
    }

    fileprivate func parked(of place: GroupPartition, reason: String, attempts: Int) -> ParkedRecord {
        ParkedRecord(
            place: place.undivided, offset: offset, timestamp: timestamp, key: key, headers: headers, value: value,
            reason: reason, attempts: attempts)
    }
}
