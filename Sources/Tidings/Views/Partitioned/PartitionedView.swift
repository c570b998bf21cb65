import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// A view shared out among the instances of a service: each holds the partitions that its consumer group gives it, and
/// answers for their keys, or tells who does.
///
/// ```swift
/// let orders = PartitionedView(
///     "orders", of: ["order"], address: "10.0.0.7:8080", standbys: 1, initial: [String: Order](), kafka: kafka,
///     logger: logger)
/// orders.fold(OrderPlaced.self) { orders, event, _ in orders[event.orderID] = Order(event) }
/// // orders.run() in a service group; then, for a request:
/// switch try await orders.read(key: id, { $0[id] }) {
/// case .here(let order): return order
/// case .elsewhere(let holder): return try await ask(holder.address, for: id)     // the same question, there
/// }
/// ```
///
/// There is one state for each partition number: of several topics, those with the same number are folded into the same
/// state, so that what has the same key meets; the topics must have the same number of partitions. Reading is that of
/// ``View``, which is the *global* view: every instance of it holds everything. Use that until memory or the rate of events
/// says otherwise.
///
/// When instances come and go, partitions move, and whoever gets one reads its history from the snapshot that it finds
/// (`snapshots`) or from the beginning, unless it stood by for it (`standbys`). Until then it answers with
/// ``TidingsError/Code/viewNotReady``; a standby can be asked meanwhile. An instance that has lost a partition and does not know it yet answers from what it held.
///
/// When the topics get more partitions, the first of them too, these are shared out and read like the others. But Kafka
/// moves no records: keys that lead to another partition from then on are split, and ``read(key:standingBy:_:)`` knows of
/// them what came since. Whoever needs everything of a key in one place writes its topic anew, with enough partitions.
public final class PartitionedView<State: Sendable>: Service {
    /// The view's name, and that of its consumer group.
    public let name: String

    /// The Kafka topics' names.
    public let topics: [String]

    /// Where this instance can be asked; no other one says the same.
    public let address: String

    let configuration: ViewConfiguration
    let snapshots: ViewSnapshots<State>?
    let probe: (any Probe)?
    let board: Board<PartitionedCore<State>>
    let clock: any Clock<Duration>
    let logger: Logger
    let metrics: ViewMetrics

    private let standbys: Int
    private let table = FoldTable<State>()
    private let selection = PartitionSelection()
    private let reader: HistoryReader
    private let kafka: KafkaConfiguration
    private let admin = Mutex<Admin?>(nil)
    private let partitionCount = Mutex<Int32?>(nil)
    private let holders = Mutex<(holders: ViewHolders, at: ContinuousClock.Instant)?>(nil)
    private let membershipChanged = OutboxSignal()

    /// - Parameters:
    ///   - name: the view's name, and that of its consumer group: all instances say the same, and nobody else does.
    ///   - topics: the Kafka topics' names.
    ///   - address: where this instance can be asked, in whatever form the instances understand; Kafka sees it as the
    ///     member's client id.
    ///   - standbys: how many other instances keep a copy of each partition.
    ///   - initial: the state of a partition before the first record.
    ///   - kafka: where to read.
    ///   - configuration: how to read.
    ///   - snapshots: where the state of each partition is kept from time to time, and how. In a database that the
    ///     instances share, who gets a partition goes on from what the one before has kept; in files, from what it has kept
    ///     itself.
    ///   - clock: paces attempts and snapshots.
    ///   - probe: listens to the steps.
    public init(
        _ name: String, of topics: [String], address: String, standbys: Int = 0, initial: State,
        kafka: KafkaConfiguration, configuration: ViewConfiguration = ViewConfiguration(),
        snapshots: ViewSnapshots<State>? = nil, clock: any Clock<Duration> = ContinuousClock(),
        probe: (any Probe)? = nil, logger: Logger
    ) {
        self.name = name
        self.topics = topics
        self.address = address
        self.standbys = standbys
        self.kafka = kafka
        self.configuration = configuration
        self.snapshots = snapshots
        self.clock = clock
        self.probe = probe
        self.logger = logger
        board = Board(PartitionedCore(initial: initial, hasSnapshots: snapshots != nil))
        reader = HistoryReader(
            name: name, topics: topics, kafka: kafka, configuration: configuration, clock: clock, logger: logger,
            selection: selection)
        metrics = ViewMetrics(view: name)
    }

    // MARK: Folding

    /// As ``View/fold(_:_:)``; the state is that of the record's partition.
    public func fold<E: Event>(
        _ type: E.Type, _ body: @escaping @Sendable (inout State, E, Delivery) throws -> Void
    ) {
        table.add(E.eventType) { state, delivery, codecs in
            try body(&state, try codecs.decode(type, from: delivery), delivery)
        }
    }

    /// As ``View/foldDeletion(_:)``.
    public func foldDeletion(_ body: @escaping @Sendable (inout State, Delivery) throws -> Void) {
        table.setDeletion { state, delivery, _ in try body(&state, delivery) }
    }

    /// As ``View/foldRecords(_:)``.
    public func foldRecords(_ body: @escaping @Sendable (inout State, ConsumerRecord) throws -> Void) {
        table.setRecord(body)
    }

    // MARK: Reading

    /// How far this instance has come with the partitions it answers for.
    public var progress: ViewProgress { board.withCore(\.progress) }

    /// The partitions that this instance answers for, by number.
    public var active: Set<Int32> { board.withCore(\.active) }

    /// The partitions that it holds without answering for them.
    public var standing: Set<Int32> {
        board.withCore { core in Set(core.held.lazy.filter { !$0.value.isActive }.map(\.key)) }
    }

    /// Looks at the state of a key's partition, if it is here, or tells where it is.
    ///
    /// - Parameters:
    ///   - key: the key, as the records have it.
    ///   - standingBy: whether an answer may come from here when this instance only stands by, and so be a moment behind.
    /// - Throws: ``TidingsError/Code/viewNotReady`` when the partition is here and not ready, or when nobody holds it at
    ///   the moment; a `KafkaError` when Kafka cannot be asked who does; what `body` throws.
    public func read<R: Sendable>(
        key: String, standingBy: Bool = false, _ body: (State) throws -> R
    ) async throws -> ViewAnswer<R> {
        let number = KeyPartitioner.partition(of: Array(key.utf8), among: try await count())
        if let value = try readHere(number, standingBy: standingBy, body) { return .here(value) }
        return .elsewhere(try await holder(of: number))
    }

    /// Looks at the states of all partitions that this instance answers for, by number, for questions that are put to
    /// every instance.
    ///
    /// - Throws: ``TidingsError/Code/viewNotReady`` before they are ready; what `body` throws.
    public func readActive<R: Sendable>(_ body: ([Int32: State]) throws -> R) throws -> R {
        try board.withCore { core in
            guard core.isReady else { throw core.ending ?? TidingsError.notReady(name, core.progress.remaining) }
            return try body(core.held.filter(\.value.isActive).mapValues(\.state))
        }
    }

    /// Returns once this instance has been given its partitions and holds all that was in them; waits until it includes
    /// a record, when that is given.
    ///
    /// - Parameter limit: how long to wait for the record.
    /// - Throws: ``TidingsError/Code/viewStopped``, ``TidingsError/Code/viewNotReady``, `CancellationError`.
    public func ready(including place: RecordPlace? = nil, within limit: Duration = .seconds(5)) async throws {
        guard let place else { return try await board.wait(for: .ready) }
        try await board.wait(for: .includes(place), within: limit, clock, orThrow: .tooLate(name, place, limit))
    }

    private func readHere<R: Sendable>(
        _ number: Int32, standingBy: Bool, _ body: (State) throws -> R
    ) throws -> R? {
        try board.withCore { core in
            guard let held = core.held[number], held.isActive || standingBy && held.tracker.isReady else { return nil }
            guard held.tracker.isReady else {
                throw core.ending ?? TidingsError.notReady(name, held.tracker.remaining)
            }
            return try body(held.state)
        }
    }

    // MARK: Who holds what

    private func sharedAdmin() throws -> Admin {
        try admin.withLock { admin in
            if let admin { return admin }
            let made = try Admin(kafka, logger: logger)
            admin = made
            return made
        }
    }

    /// How many partitions each of the topics has, as far as is known: a read does not wait for Kafka.
    private func count() async throws -> Int32 {
        if let known = partitionCount.withLock({ $0 }) { return known }
        return try await askCount()
    }

    /// Asks Kafka for the number again. What is known counts on while Kafka cannot be asked, and while the topics differ, as
    /// they do when they get more partitions one after the other.
    private func recount() async throws {
        guard let known = partitionCount.withLock({ $0 }) else {
            _ = try await askCount()
            return
        }
        do {
            let count = try await askCount()
            if count != known {
                logger.warning(
                    "the topics of a view have another number of partitions: some keys lead elsewhere from now on",
                    metadata: ["view": "\(name)", "before": "\(known)", "now": "\(count)"])
            }
        } catch  where !(error is CancellationError) {
            logger.info(
                "a view goes on with the partitions it knows",
                metadata: ["view": "\(name)", "partitions": "\(known)", "error": "\(error)"])
        }
    }

    /// Until it is cancelled.
    private func recountRegularly() async throws {
        while true {
            try await clock.sleep(for: configuration.partitionCheckInterval)
            if partitionCount.withLock({ $0 }) != nil { try await recount() }
        }
    }

    private func askCount() async throws -> Int32 {
        let topics = try await sharedAdmin().metadata(topics: topics).topics
        let counts = Set(topics.map { Int32($0.partitions.count) })
        guard let count = counts.first, counts.count == 1 else {
            throw TidingsError(
                .invalidConfiguration,
                "the view \(name) needs topics with the same number of partitions, so that a key is in the same one: "
                    + topics.map { "\($0.name) has \($0.partitions.count)" }.joined(separator: ", "))
        }
        partitionCount.withLock { $0 = count }
        return count
    }

    /// Asks Kafka at most once a second.
    private func currentHolders(anew: Bool = false) async throws -> ViewHolders {
        if !anew, let known = holders.withLock({ $0 }), known.at.duration(to: .now) < .seconds(1) {
            return known.holders
        }
        let groups = try await sharedAdmin().describeGroups([name])
        let found = groups.first.map(ViewHolders.init)
        guard let found else { throw KafkaError(.wrongState, "Kafka did not describe the group \(name)") }
        holders.withLock { $0 = (found, .now) }
        return found
    }

    private func holder(of number: Int32) async throws -> ViewHolder {
        let known = try await currentHolders()
        if let address = known.address(of: number), address != self.address {
            return ViewHolder(address: address, standbys: known.standbys(of: number, count: standbys))
        }
        throw TidingsError(
            .viewNotReady, "partition \(number) of the view \(name) is on its way to an instance", isRetriable: true)
    }

    // MARK: Running

    /// Holds partitions until graceful shutdown or cancellation. Called once.
    ///
    /// - Throws: as ``View/run()``; ``TidingsError/Code/invalidConfiguration`` when the topics' numbers of partitions
    ///   differ at the start.
    public func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await self.stayInGroup() }
                tasks.addTask { try await self.follow() }
                tasks.addTask { try await self.recountRegularly() }
                if let snapshots { tasks.addTask { await snapshots.regularly(self.clock, self.takeSnapshot) } }
                if standbys > 0 { tasks.addTask { try await self.keepStandbys() } }
                try await tasks.next()
                tasks.cancelAll()
                while let result = await tasks.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
            }
            if !Task.isCancelled { await takeSnapshot() }
            board.end(TidingsError(.viewStopped, "the view \(name) was shut down"))
        } catch {
            board.end(TidingsError(.viewStopped, "the view \(name) has stopped", cause: error))
            throw error
        }
    }

    /// The group's only use is to share the partitions out; they are read apart from it, standbys and all.
    private func stayInGroup() async throws {
        var kafka = kafka
        kafka.clientID = address
        var membership = ConsumerConfiguration(kafka, groupID: name)
        membership.prefetchedMessages = 1
        membership.prefetchedBytes = 1024
        // What is revoked nobody else has before it is assigned anew: until then this instance goes on answering.
        let hooks = RebalanceHooks(assigned: { partitions in
            self.change { core in
                core.assign(Set(partitions.map(\.partition)))
                if self.standbys == 0 { core.standBy(for: []) }
            }
            return Dictionary(uniqueKeysWithValues: partitions.map { ($0, .end) })
        })
        // Partitions of the first topic stand for those of all.
        let consumer = try Consumer(membership, topics: [topics[0]], hooks: hooks, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            tasks.addTask {
                // A partition that is not assigned any more needs no pause.
                for try await batch in consumer.batches { try? await consumer.pause([batch.partition]) }
            }
            try await tasks.waitForAll()
        }
    }

    private func change(_ body: (inout PartitionedCore<State>) -> Void) {
        let numbers = board.update { core in
            body(&core)
            return Set(core.held.keys)
        }
        selection.change(to: numbers)
        membershipChanged.raise()
    }

    /// Stands by for what Kafka says that others hold; looks after each change here, and every second for those elsewhere.
    private func keepStandbys() async throws {
        while !Task.isShuttingDownGracefully {
            await clock.rest(for: .seconds(1), orUntil: membershipChanged)
            try Task.checkCancellation()
            do {
                let holders = try await currentHolders(anew: true)
                guard holders.isSettled else { continue }
                let numbers = holders.standing(by: address, count: standbys)
                let isOther = board.withCore { core in
                    Set(core.held.keys) != core.active.union(numbers)
                }
                if isOther { change { $0.standBy(for: numbers) } }
            } catch let error as KafkaError where error.isRetriable {
                logger.info("a view cannot ask who holds it", metadata: ["view": "\(name)", "error": "\(error)"])
            }
        }
    }

    private func follow() async throws {
        while true {
            do {
                return try await reader.run(self)
            } catch let error as TidingsError
                where [.historyMissing, .offsetBeyondLog].contains(error.code)
                && configuration.onLostHistory == .rebuild
            {
                logger.warning("a view starts anew", metadata: ["view": "\(name)", "error": "\(error)"])
                board.update { core in core.forget(core.held.keys) }
            }
        }
    }
}

extension PartitionedView: HistoryFollower {
    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) async throws {
        try await recount()
        board.update { $0.start(positions, ends: ends) }
    }

    func positions(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
        while true {
            try await restore()
            if let positions = board.update({ $0.askPositions() }) {
                return positions.filter { partitions.contains($0.key) }
            }
        }
    }

    func receive(_ batch: ConsumerBatch) throws -> Bool {
        let (folds, codecs) = (table.folds, CodecTable(configuration.codecs, versions: configuration.versions))
        let description = PartitionedBatch(
            partition: batch.partition, first: batch.first?.offset ?? batch.nextOffset, next: batch.nextOffset,
            count: batch.count, reachesEnd: batch.reachesEnd)
        try board.update { core in
            try core.receive(description) { state, tracker in
                for record in batch {
                    do {
                        try folds.apply(record, in: batch.partition, to: &state, &tracker, codecs)
                    } catch let error as TidingsError where error.code == .cannotDecode {
                        try configuration.unreadable(record, error, by: name, metrics, logger)
                    }
                }
            }
        }
        probe?.reached(Step(.viewFolded, []))
        return true
    }
}
