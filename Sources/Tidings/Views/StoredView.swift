import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// A view whose state is in the service's own database: for more than memory holds, or to be queried with SQL.
///
/// ```swift
/// let customers = StoredView("customers", version: 1, of: ["customer"], store: store, kafka: kafka, logger: logger) {
///     try $0.execute(sql: "DELETE FROM customer")
/// }
/// customers.fold(CustomerChanged.self) { db, event, _ in try event.customer.upsert(db) }
/// customers.foldDeletion { db, delivery in try Customer.deleteOne(db, key: delivery.keyText ?? "") }
/// // customers.run() in a service group; then:
/// let ada = try await customers.readWhenReady { db in try Customer.fetchOne(db, key: "ada") }
/// ```
///
/// It is a ``View`` in all but where the state is: rows and offsets go into one local transaction, so that each record is
/// folded once, whatever crashes; a restart goes on where it was. Instances that share the database share the view: each
/// record is folded by whichever comes first.
public final class StoredView<S: Store>: Service {
    /// The view's name, and that of its offsets in the database, together with its version.
    public let name: String

    /// The version of the fold: raise it whenever the closures or the tables change. The state is then reset, and history
    /// read anew.
    public let version: Int32

    /// The Kafka topics' names.
    public let topics: [String]

    /// Where the state is.
    public let store: S

    private let table = FoldTable<S.Transaction>()
    private let reset: @Sendable (S.Transaction) throws -> Void
    private let reader: HistoryReader
    private let configuration: ViewConfiguration
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let board: ViewBoard<Void>
    private let metrics: ViewMetrics

    /// - Parameters:
    ///   - name: the view's name.
    ///   - version: the version of the fold.
    ///   - topics: the Kafka topics' names. A topic that is not there yet is waited for.
    ///   - store: where the state goes.
    ///   - kafka: where to read.
    ///   - configuration: how to read.
    ///   - clock: paces attempts.
    ///   - reset: takes the state back to what it was before the first record; runs before a version reads for the first
    ///     time, in the transaction that notes so.
    public init(
        _ name: String, version: Int32, of topics: [String], store: S, kafka: KafkaConfiguration,
        configuration: ViewConfiguration = ViewConfiguration(), clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger, reset: @escaping @Sendable (S.Transaction) throws -> Void
    ) {
        self.name = name
        self.version = version
        self.topics = topics
        self.store = store
        self.reset = reset
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        reader = HistoryReader(
            name: name, topics: topics, kafka: kafka, configuration: configuration, clock: clock, logger: logger)
        metrics = ViewMetrics(view: name)
        let (_, continuation) = AsyncStream<Never>.makeStream()
        board = ViewBoard(
            name, .init(number: 0, state: (), start: .now, retirement: continuation), metrics: metrics, logger: logger)
    }

    // MARK: Folding

    /// Folds the events of a type. Register before `run()`. As for a subscription's handler, nothing but the database may
    /// be touched: a transaction that does not commit is run again.
    public func fold<E: Event>(
        _ type: E.Type, _ body: @escaping @Sendable (S.Transaction, E, Delivery) throws -> Void
    ) {
        table.add(E.eventType) { transaction, delivery, codecs in
            try body(transaction, try codecs.decode(type, from: delivery), delivery)
        }
    }

    /// Folds tombstones: records with a key and no value, by which a compacted topic says that the key is gone.
    public func foldDeletion(_ body: @escaping @Sendable (S.Transaction, Delivery) throws -> Void) {
        table.setDeletion { transaction, delivery, _ in try body(transaction, delivery) }
    }

    /// Folds every record that no other fold takes, as it is.
    public func foldRecords(_ body: @escaping @Sendable (S.Transaction, ConsumerRecord) throws -> Void) {
        table.setRecord { transaction, record in try body(transaction, record) }
    }

    // MARK: Reading

    /// How far it has come.
    public var progress: ViewProgress { board.withCore { $0.live.progress } }

    /// Looks at the state in a transaction as soon as the view is ready.
    ///
    /// - Throws: ``TidingsError/Code/viewStopped`` when the view ends before; `CancellationError`; what the database or
    ///   `body` throws.
    public func readWhenReady<R: Sendable>(
        _ body: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        try await board.wait(for: .ready)
        return try await store.transaction(body)
    }

    /// Looks at the state as soon as it includes a record.
    ///
    /// - Parameter limit: how long to wait.
    /// - Throws: ``TidingsError/Code/viewNotReady`` when the record is not included in time, and as
    ///   ``readWhenReady(_:)``.
    public func read<R: Sendable>(
        including place: RecordPlace, within limit: Duration = .seconds(5),
        _ body: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        try await board.wait(for: place, within: limit, clock)
        return try await store.transaction(body)
    }

    /// Returns once the view holds all that was there when it started.
    public func ready() async throws {
        try await board.wait(for: .ready)
    }

    // MARK: Running

    /// Reads until graceful shutdown or cancellation. Called once.
    ///
    /// - Throws: as ``View/run()``, and a database error that will not pass by itself.
    public func run() async throws {
        do {
            while true {
                do {
                    try await reader.run(self)
                    break
                } catch let error as TidingsError
                    where [.historyMissing, .offsetBeyondLog].contains(error.code)
                    && configuration.onLostHistory == .rebuild
                {
                    logger.warning("a view starts anew", metadata: ["view": "\(name)", "error": "\(error)"])
                    try await begin(anew: true)
                    board.update(0) { edition in
                        (edition.tracker, edition.timeToReady) = (HistoryTracker(), nil)
                    }
                }
            }
            board.end(TidingsError(.viewStopped, "the view \(name) was shut down"))
        } catch {
            board.end(TidingsError(.viewStopped, "the view \(name) has stopped", cause: error))
            throw error
        }
    }

    /// The offsets' group.
    private var group: String { "view:\(name)" }

    private func place(_ partition: TopicPartition) -> GroupPartition {
        GroupPartition(group: "\(group):\(version)", topic: partition.topic, partition: partition.partition)
    }

    /// A mark beside the offsets says which version the state is of: the offset of a partition that cannot be.
    private var mark: GroupPartition { GroupPartition(group: group, topic: "", partition: 0) }

    /// Resets the state unless it is of this version already.
    private func begin(anew: Bool) async throws {
        let (mark, version, reset, group) = (mark, version, reset, group)
        let (store, topics) = (store, topics)
        let partitions = partitionsSeen.withLock { $0.sorted() }
        try await persistently {
            try await store.transaction { transaction in
                let before = try store.offset(of: mark, in: transaction)
                if before == Int64(version), !anew { return }
                try reset(transaction)
                for (topic, partition) in topics.flatMap({ topic in partitions.map { (topic, $0) } }) {
                    let place = GroupPartition(group: "\(group):\(version)", topic: topic, partition: partition)
                    let lanes = try store.lanes(of: place, in: transaction)
                    if !lanes.isEmpty { _ = try store.divide(place, from: lanes, into: [], in: transaction) }
                }
                if before != Int64(version) {
                    guard try store.advance(mark, from: before, to: Int64(version), in: transaction) else {
                        throw Overtaken()
                    }
                }
            }
        }
    }

    private struct Overtaken: Error {}

    private let partitionsSeen = Mutex<Set<Int32>>([])

    /// The database may be away, or another instance faster: again, for as long as it takes.
    private func persistently<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch  where error is Overtaken || store.isRetriable(error) {
                failures += 1
                if !(error is Overtaken) {
                    logger.warning("a view's database refuses", metadata: ["view": "\(name)", "error": "\(error)"])
                }
                await clock.rest(for: configuration.backoff.delay(after: failures))
                try Task.checkCancellation()
                if Task.isShuttingDownGracefully { throw CancellationError() }
            }
        }
    }
}

extension StoredView: HistoryFollower {
    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) {
        board.update(0) { edition in
            if edition.tracker.positions.isEmpty { edition.start = .now }
            edition.tracker.start(positions, ends: ends)
        }
    }

    func positions(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
        partitionsSeen.withLock { $0.formUnion(partitions.map(\.partition)) }
        try await begin(anew: false)
        let places = partitions.map { ($0, place($0)) }
        let store = store
        return try await persistently {
            try await store.transaction { transaction in
                try places.reduce(into: [:]) { $0[$1.0] = try store.offset(of: $1.1, in: transaction) }
            }
        }
    }

    /// Folds a batch in one transaction, from where the database stands: another instance may have been faster.
    func receive(_ batch: ConsumerBatch) async throws -> Bool {
        let (place, folds, codecs) = (place(batch.partition), table.folds, CodecTable(configuration.codecs))
        let store = store
        if !batch.isEmpty {
            try await persistently {
                try await store.transaction { transaction in
                    let stored = try store.offset(of: place, in: transaction)
                    if let stored, stored >= batch.nextOffset { return }
                    guard try store.advance(place, from: stored, to: batch.nextOffset, in: transaction) else {
                        throw Overtaken()
                    }
                    var state = transaction
                    for record in batch where record.offset >= stored ?? 0 {
                        do {
                            try folds.apply(record, to: &state, codecs)
                        } catch let error as TidingsError where error.code == .cannotDecode {
                            try self.unreadable(record, error)
                        }
                    }
                }
            }
        }
        return board.update(0) { edition in
            edition.tracker.received(
                batch.count, of: batch.partition, upTo: batch.nextOffset, reachesEnd: batch.reachesEnd)
        }
    }

    private func unreadable(_ record: ConsumerRecord, _ error: TidingsError) throws {
        let place = RecordPlace(topic: record.topic, partition: record.partition, offset: record.offset)
        guard configuration.onUnreadable == .skip else { throw TidingsError.unreadable(place, by: name, error) }
        metrics.unreadable()
        logger.error("a view goes on without a record", metadata: ["record": "\(place)", "error": "\(error)"])
    }
}
