import KafkaClient
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// A state folded from the history of topics: what a service knows of others' data without a table of its own.
///
/// ```swift
/// let customers = View("customers", of: ["customer"], initial: [String: Customer](), kafka: kafka, logger: logger)
/// customers.fold(CustomerChanged.self) { customers, event, _ in customers[event.id] = event.customer }
/// customers.foldDeletion { customers, delivery in customers[delivery.keyText ?? ""] = nil }
/// // customers.run() in a service group; then:
/// try await customers.ready()
/// let ada = try customers.read { $0["ada"] }
/// ```
///
/// Every instance that runs a view reads *all* partitions, from the beginning or from its last snapshot
/// (``ViewSnapshots``), up to the ends that were there when it started; then it is *ready*, and stays live. Records are
/// folded in their partition's order, each once, and so is an event that a relay has sent twice (but one of which the first is
/// in the snapshot that was read from); only those of committed transactions are seen. A compacted topic keeps
/// the way short: one record for each key is left of history.
///
/// Reads are cheap: they look at the state in memory, under a lock that is held for one batch at most.
public final class View<State: Sendable>: Service {
    /// The view's name, in logs and metrics.
    public let name: String

    /// The Kafka topics' names.
    public let topics: [String]

    private let initial: State
    private let table = FoldTable<State>()
    private let reader: HistoryReader
    private let configuration: ViewConfiguration
    private let snapshots: ViewSnapshots<State>?
    private let clock: any Clock<Duration>
    private let probe: (any Probe)?
    private let logger: Logger
    private let board: ViewBoard<State>
    private let retired: Mutex<[Int: AsyncStream<Never>]>
    private let rebuilds = OutboxSignal()
    private let metrics: ViewMetrics

    /// - Parameters:
    ///   - name: the view's name; with snapshots, part of their identity.
    ///   - topics: the Kafka topics' names. A topic that is not there yet is waited for.
    ///   - initial: the state before the first record.
    ///   - kafka: where to read.
    ///   - configuration: how to read.
    ///   - snapshots: where to keep the state from start to start; nil to read everything each time.
    ///   - clock: paces snapshots and attempts.
    ///   - probe: listens to the steps.
    public init(
        _ name: String, of topics: [String], initial: State, kafka: KafkaConfiguration,
        configuration: ViewConfiguration = ViewConfiguration(), snapshots: ViewSnapshots<State>? = nil,
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger
    ) {
        self.name = name
        self.topics = topics
        self.initial = initial
        self.configuration = configuration
        self.snapshots = snapshots
        self.clock = clock
        self.probe = probe
        self.logger = logger
        reader = HistoryReader(
            name: name, topics: topics, kafka: kafka, configuration: configuration, clock: clock, logger: logger)
        metrics = ViewMetrics(view: name)
        let (retirement, continuation) = AsyncStream<Never>.makeStream()
        board = ViewBoard(
            name, .init(number: 0, state: initial, start: .now, retirement: continuation), metrics: metrics,
            logger: logger)
        retired = Mutex([0: retirement])
    }

    // MARK: Folding

    /// Folds the events of a type. Register before `run()`.
    ///
    /// The closure depends on nothing but its arguments: the same history gives the same state, whenever it is read.
    public func fold<E: Event>(
        _ type: E.Type, _ body: @escaping @Sendable (inout State, E, Delivery) throws -> Void
    ) {
        table.add(E.eventType) { state, delivery, codecs in
            try body(&state, try codecs.decode(type, from: delivery), delivery)
        }
    }

    /// Folds tombstones: records with a key and no value, by which a compacted topic says that the key is gone.
    public func foldDeletion(_ body: @escaping @Sendable (inout State, Delivery) throws -> Void) {
        table.setDeletion { state, delivery, _ in try body(&state, delivery) }
    }

    /// Folds every record that no other fold takes, as it stands in the log: what a relay has sent twice comes twice. The fastest
    /// way, since only what is asked for is copied.
    public func foldRecords(_ body: @escaping @Sendable (inout State, ConsumerRecord) throws -> Void) {
        table.setRecord(body)
    }

    // MARK: Reading

    /// How far it has come.
    public var progress: ViewProgress {
        board.withCore { $0.live.progress }
    }

    /// How far a rebuild beside the state that answers has come; nil while there is none.
    public var rebuildProgress: ViewProgress? {
        board.withCore { $0.shadow?.progress }
    }

    /// Looks at the state. The closure runs under the view's lock: it is short, and copies out what it needs.
    ///
    /// - Throws: ``TidingsError/Code/viewNotReady`` before the view holds all that was there at the start; what `body`
    ///   throws.
    public func read<R: Sendable>(_ body: (State) throws -> R) throws -> R {
        try board.withCore { core in
            guard core.live.tracker.isReady else {
                throw core.ending ?? TidingsError.notReady(name, core.live.tracker.remaining)
            }
            return try body(core.live.state)
        }
    }

    /// Looks at the state as far as it has been read, ready or not, and at how far that is: for pages that show how it
    /// grows.
    public func peek<R: Sendable>(_ body: (State, ViewProgress) throws -> R) rethrows -> R {
        try board.withCore { try body($0.live.state, $0.live.progress) }
    }

    /// Looks at the state as soon as the view is ready.
    ///
    /// - Throws: ``TidingsError/Code/viewStopped`` when the view ends before; `CancellationError`; what `body` throws.
    public func readWhenReady<R: Sendable>(_ body: (State) throws -> R) async throws -> R {
        try await board.wait(for: .ready)
        return try read(body)
    }

    /// Looks at the state as soon as it includes a record: what one has sent oneself, for instance.
    ///
    /// - Parameter limit: how long to wait.
    /// - Throws: ``TidingsError/Code/viewNotReady`` when the record is not included in time;
    ///   ``TidingsError/Code/viewStopped``; `CancellationError`; what `body` throws.
    public func read<R: Sendable>(
        including place: RecordPlace, within limit: Duration = .seconds(5), _ body: (State) throws -> R
    ) async throws -> R {
        try await board.wait(for: place, within: limit, clock)
        return try read(body)
    }

    /// Returns once the view holds all that was there when it started.
    ///
    /// - Throws: ``TidingsError/Code/viewStopped`` when the view ends before; `CancellationError`.
    public func ready() async throws {
        try await board.wait(for: .ready)
    }

    // MARK: Running

    /// Folds everything again from the beginning, beside the state as it is, which goes on answering and staying live;
    /// when the new one is as far, it takes its place. Returns at once.
    public func rebuild() {
        rebuilds.raise()
    }

    /// Reads until graceful shutdown or cancellation. Called once.
    ///
    /// - Throws: what a fold throws; ``TidingsError/Code/topicDiffers`` (``ViewConfiguration/declares``);
    ///   ``TidingsError/Code/cannotDecode`` (``ViewConfiguration/onUnreadable``);
    ///   ``TidingsError/Code/historyMissing``, ``TidingsError/Code/offsetBeyondLog``
    ///   (``ViewConfiguration/onLostHistory``); a Kafka error that will not pass by itself.
    public func run() async throws {
        do {
            try await restore()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await self.followAll() }
                tasks.addTask { await self.takeSnapshots() }
                try await tasks.next()
                tasks.cancelAll()
                try await tasks.waitForAll()
            }
            if !Task.isCancelled { await takeSnapshot() }
            board.end(TidingsError(.viewStopped, "the view \(name) was shut down"))
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            board.end(TidingsError(.viewStopped, "the view \(name) was shut down"))
        } catch {
            board.end(TidingsError(.viewStopped, "the view \(name) has stopped", cause: error))
            throw error
        }
    }

    /// Follows the live edition, and another one beside it for each rebuild.
    private func followAll() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { tasks in
            tasks.addTask { try await self.follow(0) }
            tasks.addTask {
                await self.rebuilds.wait()
                return true
            }
            var number = 0
            while let isRebuild = try await tasks.next() {
                if Task.isShuttingDownGracefully || Task.isCancelled { break }
                guard isRebuild else { continue }
                number += 1
                let edition = number
                begin(edition)
                tasks.addTask { try await self.follow(edition) }
                tasks.addTask {
                    await self.rebuilds.wait()
                    return true
                }
            }
            tasks.cancelAll()
            while let result = await tasks.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    private func begin(_ number: Int) {
        let (retirement, continuation) = AsyncStream<Never>.makeStream()
        retired.withLock { $0[number] = retirement }
        let initial = initial
        let unfinished = board.change { core in
            defer { core.shadow = .init(number: number, state: initial, start: .now, retirement: continuation) }
            return core.shadow?.retirement
        }
        unfinished?.finish()
        logger.info("a view is rebuilt beside the one that answers", metadata: ["view": "\(name)"])
    }

    /// Follows one edition until it is retired.
    private func follow(_ number: Int) async throws -> Bool {
        guard let retirement = retired.withLock({ $0.removeValue(forKey: number) }) else { return false }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.read(number) }
            tasks.addTask { for await _ in retirement {} }
            try await tasks.next()
            tasks.cancelAll()
            while let result = await tasks.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
        return false
    }

    private func read(_ number: Int) async throws {
        while true {
            do {
                return try await reader.run(EditionFollower(view: self, number: number))
            } catch let error as TidingsError
                where [.historyMissing, .offsetBeyondLog].contains(error.code)
                && configuration.onLostHistory == .rebuild
            {
                logger.warning("a view starts anew", metadata: ["view": "\(name)", "error": "\(error)"])
                let initial = initial
                board.update(number) { edition in
                    (edition.state, edition.replacesNewer) = (initial, true)
                    (edition.tracker, edition.stored) = (HistoryTracker(), [:])
                    (edition.start, edition.timeToReady) = (.now, nil)
                }
            }
        }
    }

    // MARK: Snapshots

    private func restore() async throws {
        guard let snapshots else { return }
        let start = ContinuousClock.now
        switch try await snapshots.load(for: name, topics: topics, configuration, clock, logger) {
        case .nothing: break
        case .unusable: board.change { $0.live.replacesNewer = true }
        case .usable(let snapshot):
            board.change { core in
                core.live.state = snapshot.state
                core.live.stored = snapshot.positions
                core.live.start = start
                core.live.isStandIn = snapshot.isOlder
            }
            if snapshot.isOlder { rebuild() }
        }
    }

    private func takeSnapshots() async {
        guard let snapshots else {
            try? await gracefulShutdown()
            return
        }
        await snapshots.regularly(clock, takeSnapshot)
    }

    /// Writes the state and its positions, taken at the same moment. Failing leaves the old snapshot, and nothing is
    /// written while an older version's state stands in for this one's, or where another instance's snapshot is newer.
    public func takeSnapshot() async {
        guard let snapshots else { return }
        let taken = board.change { core -> ViewCore<State>.Edition? in
            if core.live.isStandIn || core.live.positions.isEmpty { return nil }
            defer { core.live.replacesNewer = false }
            return core.live
        }
        guard let taken else { return }
        probe?.reached(Step(.snapshotTaken, []))
        let isThere = await snapshots.save(
            taken.state, taken.positions, for: name, overNewer: taken.replacesNewer, metrics, logger)
        if !isThere, taken.replacesNewer { board.change { $0.live.replacesNewer = true } }
        probe?.reached(Step(.snapshotKept, []))
    }

    // MARK: Records

    fileprivate func start(_ number: Int, _ positions: [TopicPartition: Int64], _ ends: [TopicPartition: Int64]) {
        board.update(number) { edition in
            // What went before was waiting for Kafka, not reading.
            if edition.tracker.positions.isEmpty { edition.start = .now }
            edition.tracker.start(positions, ends: ends)
        }
    }

    fileprivate func positions(of number: Int) -> [TopicPartition: Int64] {
        board.withCore { core in
            if core.live.number == number { return core.live.positions }
            return core.shadow?.number == number ? core.shadow?.positions ?? [:] : [:]
        }
    }

    /// - Returns: false when the edition has been retired.
    fileprivate func receive(_ number: Int, _ batch: ConsumerBatch) async throws -> Bool {
        try await board.wait(for: .turn(of: number))
        let (folds, codecs) = (table.folds, CodecTable(configuration.codecs, versions: configuration.versions))
        let isWanted = try board.update(number) { edition in
            for record in batch {
                do {
                    try folds.apply(record, in: batch.partition, to: &edition.state, &edition.tracker, codecs)
                } catch let error as TidingsError where error.code == .cannotDecode {
                    try configuration.unreadable(record, error, by: name, metrics, logger)
                }
            }
            edition.tracker.received(
                batch.count, of: batch.partition, upTo: batch.nextOffset, reachesEnd: batch.reachesEnd)
        }
        // Not under the lock: whoever stops here does not keep others from reading.
        if isWanted { probe?.reached(Step(.viewFolded, [])) }
        return isWanted
    }
}

/// Hands what is read to one edition of a view.
private struct EditionFollower<State: Sendable>: HistoryFollower {
    let view: View<State>
    let number: Int

    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) {
        view.start(number, positions, ends)
    }

    func receive(_ batch: ConsumerBatch) async throws -> Bool { try await view.receive(number, batch) }

    func positions(of partitions: Set<TopicPartition>) -> [TopicPartition: Int64] { view.positions(of: number) }
}
