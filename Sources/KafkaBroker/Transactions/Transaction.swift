import KafkaProtocol

/// Limits of transactions, with Kafka's names and defaults.
struct TransactionLimits: Sendable {
    /// `transaction.max.timeout.ms`
    var maxTimeout: Milliseconds = 900_000
    /// `transactional.id.expiration.ms`
    var expiration: Milliseconds = 604_800_000
    /// How long to wait after a write that failed before it is tried again.
    var retry: Milliseconds = 1_000

    init() {}

    init(_ configuration: BrokerConfiguration) {
        maxTimeout = configuration.transactionMaxTimeout
        expiration = configuration.transactionalIDExpiration
    }
}

/// A transactional id: its producer and its transaction. A pure state machine: events come in as calls with the wall clock
/// as an argument, consequences go out as `TransactionEffect`s.
///
///     Empty ──add──▶ Ongoing ──end──▶ PrepareCommit ──markers──▶ CompleteCommit ──add──▶ Ongoing …
///                       │  └──end────▶ PrepareAbort ──markers──▶ CompleteAbort ──add──▶ Ongoing …
///                       └──time up, or its producer comes again: the same, with a higher epoch
///
/// What it promises:
/// - A transition counts when it is on disk, and until then nothing else may begin.
/// - Once PrepareCommit or PrepareAbort is on disk, the outcome is decided: markers are written until every partition has
///   one, after a restart too. Before, no marker is written.
/// - That Complete is on disk nobody waits for: without it a restart writes the markers once more, which changes nothing.
///   Whatever comes after it in the log has it before it.
/// - Of two producers with one transactional id the earlier one's epoch is too low, for the coordinator and for every
///   partition it wrote to.
struct Transaction: Sendable {
    /// The numbers are those of Kafka's log.
    enum Status: Int8, Sendable {
        case empty = 0
        case ongoing = 1
        case prepareCommit = 2
        case prepareAbort = 3
        case completeCommit = 4
        case completeAbort = 5

        var isDeciding: Bool { self == .prepareCommit || self == .prepareAbort }
    }

    /// What is on disk.
    struct Image: Sendable, Equatable {
        var producerID: Int64 = -1
        var epoch: Int16 = -1
        /// The epoch before, which a producer that missed the answer to its InitProducerId still has.
        var lastEpoch: Int16 = -1
        var timeout: Milliseconds = 0
        var status = Status.empty
        var partitions: Set<TopicPartition> = []
        /// When the transaction began; -1 while there is none.
        var startTime: Milliseconds = -1
        var lastUpdate: Milliseconds = -1

        var producer: InternalLog.Producer { InternalLog.Producer(id: producerID, epoch: epoch) }
    }

    /// A transition that is on its way to the disk.
    struct Transition: Sendable {
        /// Nil: the transactional id is forgotten.
        var image: Image?
        var revision: UInt64
        /// Who is told when it is there; for an end, when the markers are there too.
        var ticket: TransactionTicket?
    }

    /// The highest epoch of a producer; one more is left for fencing it off.
    static let lastEpoch = Int16.max - 1

    let id: String
    var limits: TransactionLimits
    var image = Image()
    var transition: Transition?
    /// Markers are being written.
    var isMarking = false
    /// Who ended the transaction and waits for the markers.
    var ending: TransactionTicket?
    /// Nothing is tried again before.
    var retryTime: Milliseconds = 0
    var nextRevision: UInt64 = 1
    /// It was forgotten on disk and may be here.
    var isForgotten = false

    init(id: String, limits: TransactionLimits = TransactionLimits()) {
        self.id = id
        self.limits = limits
    }

    var status: Status { image.status }

    /// Where the producer may add to its transaction.
    var openPartitions: Set<TopicPartition> { status == .ongoing ? image.partitions : [] }

    /// The next time `tick` has something to do; nil when nothing is due.
    var nextDeadline: Milliseconds? {
        guard transition == nil, !isMarking, image.producerID >= 0 else { return nil }
        switch status {
        case .ongoing: return max(image.startTime + image.timeout, retryTime)
        case .prepareCommit, .prepareAbort: return retryTime
        case .empty, .completeCommit, .completeAbort: return max(image.lastUpdate + limits.expiration, retryTime)
        }
    }

    /// Does what is due: aborts what takes too long, writes markers again, forgets what nobody uses.
    mutating func tick(now: Milliseconds) -> [TransactionEffect] {
        guard let deadline = nextDeadline, deadline <= now else { return [] }
        switch status {
        case .ongoing:
            return fence(now: now)
        case .prepareCommit, .prepareAbort:
            return mark()
        case .empty, .completeCommit, .completeAbort:
            return begin(nil, ticket: nil)
        }
    }

    // MARK: Transitions

    mutating func begin(_ image: Image?, ticket: TransactionTicket?) -> [TransactionEffect] {
        let revision = nextRevision
        nextRevision += 1
        transition = Transition(image: image, revision: revision, ticket: ticket)
        return [.persist(image, revision: revision)]
    }

    /// Aborts the running transaction in the coordinator's name: the producer's epoch is too low from now on.
    mutating func fence(now: Milliseconds) -> [TransactionEffect] {
        var next = image
        next.lastEpoch = -1
        next.epoch = min(image.epoch, Self.lastEpoch) + 1
        next.status = .prepareAbort
        next.lastUpdate = now
        return begin(next, ticket: nil)
    }

    /// The internal log has, or could not take, a transition.
    mutating func persisted(revision: UInt64, error: ErrorCode, now: Milliseconds) -> [TransactionEffect] {
        guard let done = transition, done.revision == revision else { return [] }
        transition = nil
        guard error == .none else {
            retryTime = now + limits.retry
            return done.ticket.map { [.answer($0, TransactionAnswer(error: error))] } ?? []
        }
        guard let next = done.image else {
            isForgotten = true
            return []
        }
        image = next
        if status.isDeciding {
            ending = done.ticket
            return mark()
        }
        return done.ticket.map { [.answer($0, TransactionAnswer(producer: image.producer))] } ?? []
    }

    private mutating func mark() -> [TransactionEffect] {
        isMarking = true
        return [.mark(image.producer, isCommit: status == .prepareCommit, image.partitions)]
    }

    /// The markers were written, except in some partitions.
    mutating func marked(except failed: Set<TopicPartition>, now: Milliseconds) -> [TransactionEffect] {
        guard status.isDeciding, isMarking else { return [] }
        isMarking = false
        var effects: [TransactionEffect] = []
        if failed.isEmpty {
            image.status = status == .prepareCommit ? .completeCommit : .completeAbort
            image.partitions = []
            image.startTime = -1
            image.lastUpdate = now
            effects.append(.persist(image, revision: 0))
        } else {
            // Decided it is; what is left is written when the disk is well.
            retryTime = now + limits.retry
        }
        if let ticket = ending { effects.append(.answer(ticket, TransactionAnswer(producer: image.producer))) }
        ending = nil
        return effects
    }

    /// Takes over what the log held. A decided transaction goes on with its markers.
    mutating func restore(_ stored: Image) -> [TransactionEffect] {
        image = stored
        return status.isDeciding ? mark() : []
    }
}

/// The request a parked answer belongs to; the coordinator maps it to a promise.
struct TransactionTicket: Hashable, Sendable {
    let rawValue: UInt64
}

/// What a request to the coordinator comes to.
struct TransactionAnswer: Sendable, Equatable {
    var error = ErrorCode.none
    var producer = InternalLog.Producer(id: -1, epoch: -1)
}

/// What the coordinator has to do after an event.
enum TransactionEffect: Sendable, Equatable {
    case answer(TransactionTicket, TransactionAnswer)
    /// Write the image (or that there is none) to the internal log and, unless the revision is 0, call
    /// `persisted(revision:error:now:)` when it is on disk.
    case persist(Transaction.Image?, revision: UInt64)
    /// Write the marker to every partition and call `marked(except:now:)`.
    case mark(InternalLog.Producer, isCommit: Bool, Set<TopicPartition>)
}
