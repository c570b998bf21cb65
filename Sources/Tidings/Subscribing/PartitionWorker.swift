import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// Handles one partition for as long as it is this member's: batch after batch, each in as many lanes as there are.
final class PartitionWorker<S: Store>: Sendable {
    /// An offset was set back by hand: what has been read is not what comes next.
    struct SetBack: Error {}

    let partition: TopicPartition
    let queue = BatchQueue<ConsumerBatch>(capacity: 2)

    private struct State {
        var lanes: PartitionLanes
        var position: PartitionPosition
    }

    private let place: GroupPartition
    private let replayEnd: Int64?
    private let handling: PartitionHandling<S>
    private let wantedLanes: Int32
    private let history: LogHistory
    private let pace: Pace
    private let state: Mutex<State>
    private let stop = Latch()
    private let ended = Latch()
    private let onHandled: @Sendable () -> Void

    /// - Parameter replayEnd: records before it are a replay for the group.
    init(
        _ partition: TopicPartition, place: GroupPartition, lanes: PartitionLanes, replayEnd: Int64?,
        handling: PartitionHandling<S>, history: LogHistory, onHandled: @escaping @Sendable () -> Void
    ) {
        self.partition = partition
        self.place = place
        self.replayEnd = replayEnd
        self.handling = handling
        self.history = history
        self.onHandled = onHandled
        pace = handling.pace
        wantedLanes = Int32(clamping: max(1, handling.configuration.lanes ?? handling.store.usualLanes))
        state = Mutex(State(lanes: lanes, position: PartitionPosition(start: lanes.start)))
    }

    /// Where reading starts; nil where nothing has been handled yet.
    var start: Int64? { state.withLock { $0.lanes.start } }

    /// The offset to tell Kafka, if there is news; the next call has none.
    func takeUncommitted() -> Int64? {
        state.withLock { $0.position.uncommitted.take() }
    }

    /// All before it is handled; nil where nothing has been yet.
    var handledUpTo: Int64? {
        state.withLock { $0.position.handledUpTo ?? $0.lanes.start }
    }

    /// Begins nothing more, and returns when what was in hand is done, or put back.
    func finish() async {
        stop.open()
        queue.stop()
        await ended.wait()
    }

    /// - Throws: ``SetBack``; a database error or a Kafka error that will not pass by itself; ``TidingsError``.
    func run(resume: @escaping @Sendable (TopicPartition) async -> Void) async throws {
        defer { ended.open() }
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await self.work(resume) }
                tasks.addTask {
                    await self.stop.wait()
                    try await self.handling.clock.sleep(for: self.handling.configuration.stopDeadline)
                }
                try await tasks.next()
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
        } catch is CancellationError where stop.isOpen || Task.isShuttingDownGracefully {
            // What was in hand is not handled, and comes again.
        }
    }

    private func work(_ resume: @Sendable (TopicPartition) async -> Void) async throws {
        while true {
            let (next, resumes) = await queue.next()
            if resumes { await resume(partition) }
            switch next {
            case .batch(let batch):
                guard try await handle(batch) else { return await evenOut() }
            case .look:
                try await retry()
            case .end:
                return await evenOut()
            }
        }
    }

    // MARK: Parked records

    /// So many records are tried again before the partition's own are looked at.
    private static var retriesAtOnce: Int { 100 }

    /// Tries parked records again that somebody wants tried, in all lanes at the same time.
    private func retry() async throws {
        let limit = Self.retriesAtOnce
        let letters = try await handling.lettersToRetry(of: place, limit: limit, stop: stop)
        let (lanes, handling) = (state.withLock { $0.lanes }, handling)
        let isDone = try await withThrowingTaskGroup(of: Bool.self) { tasks in
            for state in lanes.states where state.offset != nil {
                let own = letters.filter {
                    PartitionLanes.lane(of: $0.record.key, count: lanes.states.count) == state.lane.index
                }
                var place = place
                place.lane = state.lane
                tasks.addTask { [place, stop] in
                    try await handling.retry(own, of: place, from: state, limit: limit, stop: stop)
                }
            }
            return try await tasks.reduce(letters.count < limit) { $0 && $1 }
        }
        if !isDone { queue.look() }
    }

    // MARK: A batch

    /// Handles the records of a batch that stand before `limit`.
    ///
    /// - Returns: false when it was told to stop.
    func handle(_ batch: ConsumerBatch, upTo limit: Int64 = .max) async throws -> Bool {
        let deliveries = batch.prefix { $0.offset < limit }.map { record in
            var delivery = Delivery(record)
            delivery.isReplayed = replayEnd.map { delivery.offset < $0 } ?? false
            return delivery
        }
        guard let first = deliveries.first else { return true }
        let next = min(batch.nextOffset, limit)
        let (gap, repeated) = try state.withLock { state in
            let gap = try state.position.received(deliveries.lazy.map(\.offset), of: partition)
            return (gap, state.position.repeated.take())
        }
        if let repeated { try await history.checkEnd(repeated, of: partition) }
        if let gap { try await history.check(gap, of: partition) }
        var rest = deliveries[...]
        var lanes = state.withLock { $0.lanes }
        if lanes.states.count != Int(wantedLanes) || !lanes.isComplete {
            // In the lanes as they were up to where the furthest is, and from there on in those that are wanted.
            let border = lanes.end ?? first.offset
            let before = rest.prefix { $0.offset < border }
            guard try await handle(before, in: &lanes, upTo: min(border, next)) else { return false }
            rest = rest.dropFirst(before.count)
            if next >= border {
                let new = lanes.divided(into: wantedLanes, at: border)
                lanes = try await handling.divide(place, from: lanes, into: new, stop: stop)
                // Another instance was here, which may have the partition by now.
                if lanes.states != new { throw SetBack() }
            }
        }
        guard try await handle(rest, in: &lanes, upTo: next) else { return false }
        onHandled()
        return true
    }

    /// How far idle lanes may lag behind before they are brought up: a reader that crashes has to read so many records
    /// again, and passes over them.
    private static var longestLag: Int64 { 10_000 }

    /// Handles records in all lanes at the same time.
    private func handle(
        _ deliveries: ArraySlice<Delivery>, in lanes: inout PartitionLanes, upTo end: Int64
    ) async throws -> Bool {
        if deliveries.isEmpty { return true }
        let (before, place, handling) = (lanes, place, handling)
        let progress = try await withThrowingTaskGroup(
            of: PartitionHandling<S>.Progress.self, returning: [PartitionHandling<S>.Progress].self
        ) { tasks in
            for (state, own) in zip(before.states, before.split(deliveries)) where !own.isEmpty {
                var place = place
                place.lane = state.lane
                tasks.addTask { [place, pace, stop] in
                    try await handling.handle(own, of: place, from: state, upTo: end, pace: pace, stop: stop)
                }
            }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        var isDone = true
        for progress in progress {
            switch progress {
            case .handled(let state):
                lanes.states[Int(state.lane.index)] = state
            case .stopped(let state):
                lanes.states[Int(state.lane.index)] = state
                isDone = false
            case .goBack:
                throw SetBack()
            }
        }
        if isDone, let start = lanes.start, end - start >= Self.longestLag {
            lanes = (try? await handling.advance(place, lanes, to: end)) ?? lanes
        }
        state.withLock { state in
            state.lanes = lanes
            if isDone { state.position.handled(end) }
        }
        return isDone
    }

    /// At the end of a partition, all lanes stand where the last finished batch ended. If that cannot be written now,
    /// whoever comes next reads a little more.
    func evenOut() async {
        let (lanes, end) = state.withLock { ($0.lanes, $0.position.handledUpTo) }
        guard let end, let start = lanes.start, start < end else { return }
        do {
            let even = try await handling.advance(place, lanes, to: end)
            state.withLock { $0.lanes = even }
        } catch {
            handling.logger.debug("lanes are not even", metadata: ["error": "\(error)"])
        }
    }
}
