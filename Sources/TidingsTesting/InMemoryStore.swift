import Synchronization
import Tidings

/// A store without a database, for tests of handlers and publishers; it forgets everything with its last reference.
///
/// ```swift
/// let store = InMemoryStore()
/// try await publisher.publish(event, to: topic) { transaction in transaction.rows["order-1"] = "placed" }
/// ```
public final class InMemoryStore: Store {
    /// A transaction: sees and changes a copy, which becomes true at the commit.
    public final class Transaction {
        /// The test's own rows.
        public var rows: [String: String] = [:]
        var tables = Tables()
        fileprivate var isOpen = true
    }

    struct Tables {
        var rows: [String: String] = [:]
        var nextSequence: Int64 = 1
        var outbox: [OutboxEntry] = []
        var parkedEvents: [ParkedEvent] = []
        var skippedEvents: [SkippedEvent] = []
        var sentEvents: [(record: EventRecord, at: Timestamp)] = []
        var leases: [String: (lease: Lease, expires: Duration)] = [:]
        var shards: [OutboxShard] = []
        var open: [OutboxBatch: [Int64: EventStamp]] = [:]
        var lanes: [GroupPartition: [LaneState]] = [:]
        var deadLetters: [DeadLetter] = []
        var lastLetter: Int64 = 0
        var skippedLetters: [SkippedDeadLetter] = []
        var snapshots: [String: [UInt8]] = [:]

        /// Whether an event of this topic and key is parked.
        func holdsBack(_ record: EventRecord) -> Bool {
            record.key != nil
                && parkedEvents.contains { $0.record.key == record.key && $0.record.topic == record.topic }
        }
    }

    /// Refuses transactions while set, as a database that is away would.
    public struct Unavailable: Error {
        /// The database cannot be reached.
        public init() {}
    }

    private struct State {
        var tables = Tables()
        var isAvailable = true
        var commitCheck: @Sendable ([String: String]) throws -> Void = { _ in }
        var beginning: @Sendable () -> Void = {}
    }

    private let state = Mutex(State())

    public let outboxSignal = OutboxSignal()

    private let raisesSignal: Bool
    private let identity = EventID().rawValue
    private let now: @Sendable () -> Duration

    /// - Parameters:
    ///   - shards: how many parts the outbox has.
    ///   - raisesSignal: false behaves as if all commits were those of another process.
    ///   - now: the time that leases go by, since any moment.
    public init(
        shards: Int = 1, raisesSignal: Bool = true,
        now: @escaping @Sendable () -> Duration = InMemoryStore.sinceStart
    ) {
        self.raisesSignal = raisesSignal
        self.now = now
        state.withLock { state in
            state.tables.shards = (0..<Int32(shards)).map { OutboxShard(number: $0, owner: nil, epoch: 0) }
        }
    }

    private static let start = ContinuousClock.now

    /// The time that has passed since this process first asked.
    public static let sinceStart: @Sendable () -> Duration = { start.duration(to: .now) }

    /// The test's own rows as they are committed.
    public var rows: [String: String] { state.withLock { $0.tables.rows } }

    /// The received records that are parked.
    public var parkedRecords: [ParkedRecord] { state.withLock { $0.tables.deadLetters.map(\.record) } }

    /// The outbox's parked events.
    public var parkedEvents: [ParkedEvent] { state.withLock { $0.tables.parkedEvents } }

    /// What waits in the outbox.
    public var outbox: [OutboxEntry] { state.withLock { $0.tables.outbox } }

    /// How many batches are claimed and not settled.
    public var openBatchCount: Int { state.withLock { $0.tables.open.count } }

    /// Whether the database can be reached; while it cannot, transactions throw ``Unavailable``.
    public var isAvailable: Bool {
        get { state.withLock { $0.isAvailable } }
        set { state.withLock { $0.isAvailable = newValue } }
    }

    /// Looks at the rows as a transaction would leave them, when it commits, and may refuse: as a deferred constraint does.
    ///
    /// ```swift
    /// store.commitCheck = { rows in if rows["total"] == "-1" { throw Refused() } }
    /// ```
    public var commitCheck: @Sendable ([String: String]) throws -> Void {
        get { state.withLock { $0.commitCheck } }
        set { state.withLock { $0.commitCheck = newValue } }
    }

    /// Is called before each transaction, as long as that takes.
    package var beginning: @Sendable () -> Void {
        get { state.withLock { $0.beginning } }
        set { state.withLock { $0.beginning = newValue } }
    }

    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> R
    ) async throws -> R {
        beginning()
        let (result, appended) = try state.withLock { state in
            guard state.isAvailable else { throw Unavailable() }
            let transaction = Transaction()
            transaction.tables = state.tables
            transaction.rows = state.tables.rows
            defer { transaction.isOpen = false }
            let result = try body(transaction)
            try state.commitCheck(transaction.rows)
            let appended = transaction.tables.nextSequence > state.tables.nextSequence
            state.tables = transaction.tables
            state.tables.rows = transaction.rows
            return (result, appended)
        }
        if appended, raisesSignal { outboxSignal.raise() }
        return result
    }

    public func isRetriable(_ error: any Error) -> Bool { error is Unavailable }
}

extension InMemoryStore {
    public func append(_ record: EventRecord, in transaction: Transaction) throws {
        guard transaction.isOpen else {
            throw TidingsError(.notInTransaction, "the transaction has ended", record: record)
        }
        let sequence = transaction.tables.nextSequence
        transaction.tables.nextSequence += 1
        let shard = OutboxShard.slot(of: record) % Int32(transaction.tables.shards.count)
        let unstamped = EventStamp(source: StampSource(outbox: identity, shard: shard), batch: 0, index: 0)
        transaction.tables.outbox.append(
            OutboxEntry(
                sequence: sequence, stamp: unstamped, record: record, appendedAt: .now(), isBehindParked: false))
    }

    public func outboxIdentity(in transaction: Transaction) throws -> String { identity }

    public func outboxShards(in transaction: Transaction) throws -> [OutboxShard] { transaction.tables.shards }

    @discardableResult
    public func assign(_ shards: [Int32], to owner: String?, in transaction: Transaction) throws -> [OutboxShard] {
        for shard in shards {
            transaction.tables.shards[Int(shard)].owner = owner
            transaction.tables.shards[Int(shard)].epoch += 1
        }
        return transaction.tables.shards.filter { shards.contains($0.number) }
    }

    public func claim(_ request: ClaimRequest, in transaction: Transaction) throws -> [OutboxEntry] {
        var claimed: [OutboxEntry] = []
        let underWay = Set(request.underWay.map(\.sequence))
        for batch in request.batches {
            var entries: [OutboxEntry] = []
            var bytes = 0
            let waiting = transaction.tables.outbox.lazy.filter {
                $0.stamp.source.shard == batch.shard && !underWay.contains($0.sequence)
            }
            for var entry in waiting.prefix(request.maximumCount) {
                bytes += entry.record.size
                if bytes > request.maximumBytes, !entries.isEmpty { break }
                entry.stamp = EventStamp(source: entry.stamp.source, batch: batch.number, index: Int32(entries.count))
                entry.isBehindParked = transaction.tables.holdsBack(entry.record)
                entries.append(entry)
            }
            open(batch, entries, in: transaction)
            claimed += entries
        }
        return claimed
    }

    public func openBatches(of shards: [Int32], in transaction: Transaction) throws -> [OutboxEntry] {
        var entries: [OutboxEntry] = []
        for shard in shards {
            let batches = transaction.tables.open.keys.filter { $0.shard == shard }.sorted { $0.number < $1.number }
            for batch in batches {
                let stamps = transaction.tables.open[batch] ?? [:]
                let found = transaction.tables.outbox.compactMap { entry -> OutboxEntry? in
                    guard let stamp = stamps[entry.sequence] else { return nil }
                    var entry = entry
                    entry.stamp = stamp
                    entry.isBehindParked = transaction.tables.holdsBack(entry.record)
                    return entry
                }
                entries += found
                if !found.isEmpty { break }
                transaction.tables.open[batch] = nil
            }
        }
        return entries
    }

    public func settle(_ settlement: OutboxSettlement, in transaction: Transaction) throws {
        let gone = Set(settlement.sent.map(\.sequence))
        if settlement.keepsSent {
            for entry in transaction.tables.outbox where gone.contains(entry.sequence) {
                transaction.tables.sentEvents.append((entry.record, .now()))
            }
        }
        transaction.tables.outbox.removeAll { gone.contains($0.sequence) }
        for parking in settlement.parked {
            let place = transaction.tables.outbox.firstIndex { $0.sequence == parking.entry.sequence }
            guard let place else { continue }
            let entry = transaction.tables.outbox.remove(at: place)
            transaction.tables.parkedEvents.append(
                ParkedEvent(
                    sequence: entry.sequence, record: entry.record, appendedAt: entry.appendedAt, parkedAt: .now(),
                    reason: parking.reason, isBehind: parking.isBehind))
        }
        for batch in settlement.batches {
            transaction.tables.open[batch] = nil
            open(batch, settlement.kept.filter { $0.batch == batch }, in: transaction)
        }
    }

    private func open(_ batch: OutboxBatch, _ entries: [OutboxEntry], in transaction: Transaction) {
        guard !entries.isEmpty else { return }
        transaction.tables.open[batch] = Dictionary(uniqueKeysWithValues: entries.map { ($0.sequence, $0.stamp) })
    }

    public func leases(withPrefix prefix: String, in transaction: Transaction) throws -> [LeaseState] {
        let now = now()
        return transaction.tables.leases.values.filter { $0.lease.name.hasPrefix(prefix) }
            .map { LeaseState(lease: $0.lease, remaining: $0.expires - now) }
    }

    public func outboxStatus(in transaction: Transaction) throws -> OutboxStatus {
        OutboxStatus(
            pending: transaction.tables.outbox.count, parked: transaction.tables.parkedEvents.count,
            oldestPending: transaction.tables.outbox.first?.appendedAt)
    }

    public func lease(_ request: LeaseRequest, in transaction: Transaction) throws -> Lease? {
        let now = now()
        let current = transaction.tables.leases[request.name]
        var epoch = (current?.lease.epoch ?? 0) + 1
        if let renewed = request.epoch {
            guard let current, current.lease.owner == request.owner, current.lease.epoch == renewed else { return nil }
            epoch = renewed
        } else if let current, current.lease.owner != request.owner, current.expires > now {
            return nil
        }
        let lease = Lease(name: request.name, owner: request.owner, epoch: epoch)
        transaction.tables.leases[request.name] = (lease, now + request.duration)
        return lease
    }

    public func currentLease(named name: String, in transaction: Transaction) throws -> Lease? {
        transaction.tables.leases[name]?.lease
    }

    /// Gives a lease its epoch of before, as a database does that was set back.
    package func setBack(_ lease: Lease, in transaction: Transaction) throws {
        transaction.tables.leases[lease.name]?.lease.epoch = lease.epoch - 1
    }

    public func release(_ lease: Lease, in transaction: Transaction) throws {
        guard transaction.tables.leases[lease.name]?.lease == lease else { return }
        transaction.tables.leases[lease.name]?.expires = .zero
    }

    public func lanes(of place: GroupPartition, in transaction: Transaction) throws -> [LaneState] {
        transaction.tables.lanes[place.undivided] ?? []
    }

    public func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64,
        remembering memories: [StampSource: StampMemory],
        in transaction: Transaction
    ) throws -> Bool {
        var lanes = try lanes(of: place, in: transaction)
        if let index = lanes.firstIndex(where: { $0.lane == place.lane }) {
            guard expected != nil, lanes[index].offset == expected else { return false }
            // What it knows of later offsets no longer holds.
            if next < lanes[index].offset ?? 0 { lanes[index].memories = [:] }
            lanes[index].offset = next
            lanes[index].memories.merge(memories) { $1 }
        } else {
            guard expected == nil, lanes.allSatisfy({ $0.lane.count == place.lane.count }) else { return false }
            lanes.append(LaneState(place.lane, offset: next, memories: memories))
        }
        transaction.tables.lanes[place.undivided] = lanes.sorted { $0.lane.index < $1.lane.index }
        return true
    }

    public func divide(
        _ place: GroupPartition, from expected: [LaneState], into lanes: [LaneState], in transaction: Transaction
    ) throws -> Bool {
        guard try self.lanes(of: place, in: transaction) == expected, lanes.allSatisfy({ $0.offset != nil }) else {
            return false
        }
        transaction.tables.lanes[place.undivided] = lanes
        return true
    }
}
