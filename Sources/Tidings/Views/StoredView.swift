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
/// folded once, whatever crashes, and so is an event that a relay has sent twice, unless the instance that folds the second was started between the
/// two; a restart goes on where it was. Instances that share the database share the view: each
/// record is folded by whichever comes first.
///
/// When the fold changes, history is read anew, in place or beside the state that answers (``Rebuilding``):
/// ```swift
/// let customers = StoredView(
///     "customers", version: 2, rebuilding: .beside, of: ["customer"], store: store, kafka: kafka, logger: logger
/// ) {
///     try $0.execute(sql: "DROP TABLE IF EXISTS customer_2")
///     try $0.execute(sql: "CREATE TABLE customer_2 (id TEXT PRIMARY KEY, name TEXT NOT NULL)")
/// }
/// let ada = try await customers.read { db, version in
///     try Customer.fetchOne(db, sql: "SELECT * FROM customer_\(version) WHERE id = ?", arguments: ["ada"])
/// }
/// ```
public final class StoredView<S: Store>: Service {
    /// What becomes of the state while another version of the fold reads history.
    public enum Rebuilding: Hashable, Sendable {
        /// The versions share their tables: they are reset, and nothing answers until history is read.
        case inPlace

        /// Each version has tables of its own. The one that answers goes on answering, and processes that still run it
        /// keep it live, until the new one is as far; ``StoredView/remove(_:_:)`` deletes what is left of it later.
        case beside
    }

    /// The view's name, and that of its offsets in the database, together with its version.
    public let name: String

    /// The version of the fold: raise it whenever the closures or the tables change.
    public let version: Int32

    /// What becomes of the state meanwhile.
    public let rebuilding: Rebuilding

    /// The Kafka topics' names.
    public let topics: [String]

    /// Where the state is.
    public let store: S

    let table = FoldTable<S.Transaction>()
    let reset: @Sendable (S.Transaction) throws -> Void
    let reader: HistoryReader
    let configuration: ViewConfiguration
    let clock: any Clock<Duration>
    let probe: (any Probe)?
    let logger: Logger
    let board: ViewBoard<Void>
    let metrics: ViewMetrics

    /// - Parameters:
    ///   - name: the view's name.
    ///   - version: the version of the fold.
    ///   - rebuilding: what becomes of the state of another version while this one reads history.
    ///   - topics: the Kafka topics' names. A topic that is not there yet is waited for.
    ///   - store: where the state goes.
    ///   - kafka: where to read.
    ///   - configuration: how to read.
    ///   - clock: paces attempts.
    ///   - probe: listens to the steps.
    ///   - reset: takes this version's state back to what it was before the first record; runs before the version reads
    ///     for the first time, in the transaction that notes so.
    public init(
        _ name: String, version: Int32, rebuilding: Rebuilding = .inPlace, of topics: [String], store: S,
        kafka: KafkaConfiguration, configuration: ViewConfiguration = ViewConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger,
        reset: @escaping @Sendable (S.Transaction) throws -> Void
    ) {
        self.name = name
        self.version = version
        self.rebuilding = rebuilding
        self.topics = topics
        self.store = store
        self.reset = reset
        self.configuration = configuration
        self.clock = clock
        self.probe = probe
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

    /// Folds every record that no other fold takes, as it stands in the log: what a relay has sent twice comes twice.
    public func foldRecords(_ body: @escaping @Sendable (S.Transaction, ConsumerRecord) throws -> Void) {
        table.setRecord { transaction, record in try body(transaction, record) }
    }

    // MARK: Reading

    /// How far it has come.
    public var progress: ViewProgress { board.withCore { $0.live.progress } }

    /// Looks at the state of the version that answers, in one transaction: this one if it is ready, else an earlier one
    /// that it will replace (``Rebuilding/beside``).
    ///
    /// - Throws: ``TidingsError/Code/viewNotReady`` when there is none; what the database or `body` throws.
    public func read<R: Sendable>(
        _ body: @escaping @Sendable (S.Transaction, _ version: Int32) throws -> R
    ) async throws -> R {
        let progress = progress
        return try await store.transaction { transaction in
            guard let version = try self.answering(in: transaction, isReady: progress.isReady) else {
                throw TidingsError.notReady(self.name, progress.remaining)
            }
            return try body(transaction, version)
        }
    }

    /// Looks at this version's state in a transaction as soon as it is ready.
    ///
    /// - Throws: ``TidingsError/Code/viewStopped`` when the view ends before; `CancellationError`; what the database or
    ///   `body` throws.
    public func readWhenReady<R: Sendable>(
        _ body: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        try await board.wait(for: .ready)
        return try await store.transaction(body)
    }

    /// Looks at this version's state as soon as it includes a record.
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
    /// - Throws: as ``View/run()``; ``TidingsError/Code/fenced`` when another version has reset the tables
    ///   (``Rebuilding/inPlace``); a database error that will not pass by itself.
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
                    startAnew()
                } catch is SetBack {
                    logger.notice("another instance has reset a view's state", metadata: ["view": "\(name)"])
                    startAnew()
                }
            }
            board.end(TidingsError(.viewStopped, "the view \(name) was shut down"))
        } catch {
            board.end(TidingsError(.viewStopped, "the view \(name) has stopped", cause: error))
            throw error
        }
    }

    private func startAnew() {
        handover.withLock { $0 = Handover() }
        board.update(0) { edition in
            (edition.tracker, edition.timeToReady) = (HistoryTracker(), nil)
        }
    }

    // MARK: For its other files

    let partitionsSeen = Mutex<Set<TopicPartition>>([])
    /// The offsets in the database as this instance has seen them last; they only go on, unless the state was reset.
    let known = Mutex<[TopicPartition: Int64]>([:])
    let handover = Mutex(Handover())
}
