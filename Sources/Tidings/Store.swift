/// A service's local database, as far as events are concerned: the seam that each kind of database fills once.
///
/// Everything but ``transaction(_:)`` is synchronous and happens inside the transaction it is given, on that
/// connection's own thread, and so becomes true together with whatever else the transaction holds. A store never opens
/// a transaction behind the caller's back. `StoreConformance` in `TidingsTesting` is the suite every store passes.
///
/// The tables are few: the *outbox* in commit order, its *shards*, which *batches* are open, what of it is *parked*, one
/// row per *lease*, one *offset* per lane of a group in a partition, the *inbox* (which stamps it has seen), and the
/// received records that are *parked*: the dead letters.
public protocol Store: Sendable {
    /// The connection inside a transaction, as the store's users know it (GRDB's `Database`, for example).
    associatedtype Transaction

    /// Runs `body` in one transaction that can write, on the connection's own thread: commits when it returns, rolls
    /// back when it throws, and rethrows that very error.
    ///
    /// The commit is durable when this returns. Cancelling the task does not tear a transaction that has begun. A store may retry a `body` that the database refused for a conflict
    /// (a serialization failure), so a body has no effects outside the database.
    func transaction<R: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> R) async throws -> R

    /// Whether an error of this store's may pass by itself: database away, busy, out of connections, serialization.
    func isRetriable(_ error: any Error) -> Bool

    // MARK: Outbox, at the writer

    /// Raised right after each commit, in this process, of a transaction that appended.
    var outboxSignal: OutboxSignal { get }

    /// Raises ``outboxSignal`` whenever another process has committed a transaction that appended, and once when it begins
    /// to listen; until the task is cancelled. A relay runs it.
    ///
    /// What was committed many times before anyone looks may count once. It need not be certain: a relay looks from time to
    /// time in any case.
    /// - Throws: whatever keeps it from listening; the relay tries again.
    func listenForAppends() async throws

    /// Appends a record to the outbox.
    ///
    /// Events of one key are claimed in the order in which their transactions commit.
    /// - Throws: ``TidingsError/Code/notInTransaction`` when the connection is in no transaction.
    func append(_ record: EventRecord, in transaction: Transaction) throws

    // MARK: Outbox, at the relay

    /// Takes or renews the lease called `request.name`; nil while another owner holds one that has not expired.
    ///
    /// Every change of hands raises the epoch, and so does a new request by the same owner; a renewal
    /// (``LeaseRequest/epoch`` is set) keeps it, or yields nil when the lease has changed hands since. A renewal may
    /// leave the row as it is while more than two thirds of the duration remain.
    func lease(_ request: LeaseRequest, in transaction: Transaction) throws -> Lease?

    /// The lease as it stands, expired or not; nil when it has never been taken.
    func currentLease(named name: String, in transaction: Transaction) throws -> Lease?

    /// Gives the lease back if it is still this one, so that the next owner need not wait.
    func release(_ lease: Lease, in transaction: Transaction) throws

    /// All leases whose names begin with `prefix`, expired or not.
    func leases(withPrefix prefix: String, in transaction: Transaction) throws -> [LeaseState]

    /// The identity that stamps name (``StampSource/outbox``), brought up to date: a database that finds that it may have
    /// lost commits (it was restored, or a replica took over) takes a new one, since it would give stamps twice.
    func outboxIdentity(in transaction: Transaction) throws -> String

    /// The outbox's shards in the order of their numbers, locked against others that would give them away until the
    /// transaction ends.
    func outboxShards(in transaction: Transaction) throws -> [OutboxShard]

    /// Gives shards to a relay, or takes them from whoever has them (nil), and raises their epochs. Call it after
    /// ``outboxShards(in:)`` in the same transaction.
    ///
    /// - Returns: the shards as they are now.
    @discardableResult
    func assign(_ shards: [Int32], to owner: String?, in transaction: Transaction) throws -> [OutboxShard]

    /// Makes a batch for each shard in the request of the oldest entries that are neither sent nor parked, in commit order
    /// per key, and stamps them: from the commit on the batches are *open*. A shard without entries gets no batch.
    ///
    /// The caller must own the shards, with a lease that it has renewed in this transaction, and these must have no open
    /// batch but one that is under way as a whole (``ClaimRequest/underWay``).
    func claim(_ request: ClaimRequest, in transaction: Transaction) throws -> [OutboxEntry]

    /// The first open batch of each of these shards: what was claimed and is not settled, under the same stamps and in
    /// the same order, whoever claimed it.
    func openBatches(of shards: [Int32], in transaction: Transaction) throws -> [OutboxEntry]

    /// Writes down what has become of batches. Doing it twice does no harm.
    func settle(_ settlement: OutboxSettlement, in transaction: Transaction) throws

    /// How many entries wait and are parked, and since when.
    func outboxStatus(in transaction: Transaction) throws -> OutboxStatus

    /// The transactions that hold things up, the oldest first; databases where none can have none.
    func holdUps(in transaction: Transaction) throws -> [OutboxHoldUp]

    /// Removes at most so many of the entries that were sent before that time and kept.
    ///
    /// - Returns: how many were removed.
    func removeSent(before time: Timestamp, limit: Int, in transaction: Transaction) throws -> Int

    // MARK: Outbox, parked events

    // ``retryParked(_:in:)`` and ``skipParked(_:note:in:)`` are made of these.

    /// Parked events in the order of their numbers.
    func parkedEvents(_ selection: ParkedSelection, in transaction: Transaction) throws -> [ParkedEvent]

    /// Keeps others from parking or unparking events until the transaction ends; ``settle(_:in:)`` heeds it.
    func lockParking(in transaction: Transaction) throws

    /// Removes these from the parked events.
    func removeParked(_ sequences: [Int64], in transaction: Transaction) throws

    /// Takes what waits in the outbox of a record's topic and key out of it, in order, and keeps others from appending to
    /// that key until the transaction ends.
    func takeWaiting(like record: EventRecord, in transaction: Transaction) throws -> [EventRecord]

    /// Puts a record that was parked, or stood behind one, back into the outbox: behind what is there already of its key, and
    /// before whatever is appended from now on.
    func putBack(_ record: EventRecord, in transaction: Transaction) throws

    /// Keeps the trace of an event that is given up.
    func keepSkipped(_ event: ParkedEvent, note: String, in transaction: Transaction) throws

    /// The events that were given up with a number after that one, at most so many, in the order of their numbers.
    func skippedEvents(after sequence: Int64, limit: Int, in transaction: Transaction) throws -> [SkippedEvent]

    // MARK: Subscription

    /// Into how many lanes a partition is divided where the user does not say: how many transactions can go on at the
    /// same time to some use.
    var usualLanes: Int { get }

    /// How far a group has come in each lane of a partition, whatever `place.lane` says; in the order of the lanes, and
    /// empty when the group has never handled a record of this partition.
    ///
    /// A memory that knows of offsets beyond its lane's is left out: someone has set the offset back, so that the
    /// records are handled again.
    func lanes(of place: GroupPartition, in transaction: Transaction) throws -> [LaneState]

    /// Moves the offset of a lane from `expected` to `next` if it still is `expected` (nil: there is none yet), and keeps
    /// what is remembered of the stamps of these sources.
    ///
    /// - Returns: false, and nothing changed, when the offset is another, or the partition is divided into another number
    ///   of lanes, whichever of them this one would be.
    func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64,
        remembering memories: [StampSource: StampMemory],
        in transaction: Transaction
    ) throws -> Bool

    /// Divides a partition into other lanes, whatever `place.lane` says, if its lanes still are `expected` to the last
    /// bit; no `expected` ones: if there are none. The new ones are all the lanes of one division, and each has its
    /// offset.
    ///
    /// - Returns: false when they are others; the transaction must then be rolled back.
    func divide(
        _ place: GroupPartition, from expected: [LaneState], into lanes: [LaneState], in transaction: Transaction
    ) throws -> Bool

    /// Keeps a received record that could not be handled, with the reason; in place of what was kept of it before, when
    /// it is read again.
    func park(_ record: ParkedRecord, in transaction: Transaction) throws

    /// Of each of `keys` that has parked records in this partition of the group: the first one's offset. It holds back
    /// what comes behind it, and nothing that is read again from before it.
    func parkedOffsets(
        among keys: Set<[UInt8]>, of place: GroupPartition, in transaction: Transaction
    ) throws -> [[UInt8]: Int64]

    /// Removes those of the records at these offsets that are parked, whatever `place.lane` says.
    ///
    /// - Returns: how many were.
    func removeParked(_ offsets: [Int64], of place: GroupPartition, in transaction: Transaction) throws -> Int

    // MARK: Subscription, dead letters

    // ``retryDeadLetter(_:in:)`` and ``skipDeadLetter(_:note:in:)`` are made of these.

    /// Parked records, in the order of their numbers unless the selection says otherwise.
    func deadLetters(_ selection: DeadLetterSelection, in transaction: Transaction) throws -> [DeadLetter]

    /// How many records of a group are parked, for each partition that has any.
    func deadLetterCounts(of group: String, in transaction: Transaction) throws -> [GroupPartition: DeadLetterCount]

    /// Keeps others from handling records of this partition for the group until the transaction ends:
    /// ``advance(_:from:to:remembering:in:)`` waits.
    func lockHandling(of place: GroupPartition, in transaction: Transaction) throws

    /// Says whether a parked record is to be tried again; to park it anew says that it is not.
    func setRetrying(_ isRetrying: Bool, _ number: Int64, in transaction: Transaction) throws

    /// Keeps the trace of a parked record that is given up.
    func keepSkipped(_ letter: DeadLetter, note: String, in transaction: Transaction) throws

    /// The records that were given up with a number after that one, at most so many, in the order of their numbers.
    func skippedDeadLetters(
        after number: Int64, limit: Int, in transaction: Transaction
    ) throws -> [SkippedDeadLetter]

    // MARK: Views

    /// Keeps a view's snapshot in place of the one before; nil removes that. It may have hundreds of megabytes.
    func keepSnapshot(_ bytes: [UInt8]?, of view: String, in transaction: Transaction) throws

    /// The snapshot that was kept last; nil if there is none.
    func snapshot(of view: String, in transaction: Transaction) throws -> [UInt8]?

    /// Its beginning, a megabyte or all there is, for who is about to replace it: until this transaction has ended nobody
    /// else does.
    func snapshotStart(of view: String, in transaction: Transaction) throws -> [UInt8]?

    /// The views of which there are snapshots.
    func viewsWithSnapshots(in transaction: Transaction) throws -> [String]
}

/// A consumer group's place in one partition.
public struct GroupPartition: Hashable, Sendable {
    /// The consumer group.
    public var group: String

    /// The Kafka topic's name.
    public var topic: String

    /// The partition's number, from 0.
    public var partition: Int32

    /// The lane of the partition.
    public var lane: Lane

    /// The place of a group in a lane of a partition of a topic.
    public init(group: String, topic: String, partition: Int32, lane: Lane = .only) {
        self.group = group
        self.topic = topic
        self.partition = partition
        self.lane = lane
    }
}

extension Store {
    public var usualLanes: Int { 1 }

    /// Hears of nobody, for stores that are one process's own.
    public func listenForAppends() async throws { await Self.untilCancelled() }

    /// Waits until the task is cancelled.
    public static func untilCancelled() async { await Latch().wait() }

    /// None.
    public func holdUps(in transaction: Transaction) throws -> [OutboxHoldUp] { [] }

    /// As a new one.
    public func putBack(_ record: EventRecord, in transaction: Transaction) throws {
        try append(record, in: transaction)
    }

    /// Nothing to do where there is one writer at a time.
    public func lockParking(in transaction: Transaction) throws {}

    /// Nothing to do where there is one writer at a time.
    public func lockHandling(of place: GroupPartition, in transaction: Transaction) throws {}

    /// The offset of the next record to be handled; nil when the group has never handled one of this lane.
    public func offset(of place: GroupPartition, in transaction: Transaction) throws -> Int64? {
        try lanes(of: place, in: transaction).first { $0.lane == place.lane }?.offset
    }

    /// Moves the offset of a lane from `expected` to `next` if it still is `expected`, with nothing to remember.
    public func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64, in transaction: Transaction
    ) throws -> Bool {
        try advance(place, from: expected, to: next, remembering: [:], in: transaction)
    }
}
