/// What a relay does with the entries it has claimed: which go, which are parked, and what follows from the outcomes.
///
/// A value without I/O. The rules that keep the order of a key:
/// - an entry behind a parked one of its topic and key is parked too;
/// - an entry that must be tried again keeps back all later ones of its topic and key, even those that are out, so
///   that the newest event of a key is also the last to be sent.
///
/// And the rules for stamps: what may be out, by this attempt or an earlier one, keeps its stamp, and so does all that
/// waits with it of its key; their batch stays open. What certainly is not out, like all that waits of its key, loses its
/// stamp and gets another with a later batch, so that nothing else need wait for it.
struct RelayBatch {
    /// What goes to Kafka, in order.
    private(set) var sending: [OutboxEntry] = []

    private var settlement: OutboxSettlement

    init(claimed: [OutboxEntry], maximumRecordBytes: Int) {
        var batches: [OutboxBatch] = []
        for entry in claimed where batches.last != entry.batch { batches.append(entry.batch) }
        settlement = OutboxSettlement(batches: batches)
        var blocked: Set<KeyOfTopic> = []
        sending.reserveCapacity(claimed.count)
        for entry in claimed {
            if entry.isBehindParked || (!blocked.isEmpty && KeyOfTopic(entry.record).map(blocked.contains) ?? false) {
                settlement.parked.append(.behind(entry))
            } else if entry.record.size > maximumRecordBytes {
                let reason = "too large: \(entry.record.size) bytes, at most \(maximumRecordBytes) may be sent"
                settlement.parked.append(OutboxParking(entry: entry, reason: reason))
                if let stream = KeyOfTopic(entry.record) { blocked.insert(stream) }
            } else {
                sending.append(entry)
            }
        }
    }

    /// What cannot go, known before sending.
    var parked: [OutboxParking] { settlement.parked }

    /// What follows from Kafka's answers, one for each of ``sending``.
    func settle(_ outcomes: [SendOutcome]) -> RelaySettlement {
        var result = RelaySettlement(settlement)
        let areAllSent = outcomes.count >= sending.count && outcomes.allSatisfy { $0.failure == nil }
        if areAllSent {
            result.settlement.sent = sending
            return result
        }
        var blocked: Set<KeyOfTopic> = []
        /// The keys of which something waits, and whether any of that may be out.
        var waiting: [KeyOfTopic: Bool] = [:]
        var entries: [(entry: OutboxEntry, mayBeOut: Bool)] = []
        for (index, entry) in sending.enumerated() {
            let failure = index < outcomes.count ? outcomes[index].failure : SendFailure.unanswered
            let stream = KeyOfTopic(entry.record)
            let isWaiting = stream.flatMap { waiting[$0] } != nil
            if failure != nil, let stream, blocked.contains(stream) {
                result.settlement.parked.append(.behind(entry))
            } else if let failure, !failure.isRetriable, !failure.isFatal, !isWaiting {
                result.settlement.parked.append(OutboxParking(entry: entry, reason: failure.message))
                if let stream { blocked.insert(stream) }
            } else if failure != nil || isWaiting {
                result.obstacle = result.obstacle ?? failure
                let mayBeOut = entry.isRepeated || failure?.mayBeOut ?? true
                entries.append((entry, mayBeOut))
                if let stream { waiting[stream] = waiting[stream] ?? false || mayBeOut }
            } else {
                result.settlement.sent.append(entry)
            }
        }
        result.retries = entries.count
        for (entry, mayBeOut) in entries {
            let isInDoubt = KeyOfTopic(entry.record).flatMap { waiting[$0] } ?? mayBeOut
            if isInDoubt { result.settlement.kept.append(entry) }
        }
        return result
    }
}

/// What keeps its order: a key of a topic. Records without a key have no order among themselves.
package struct KeyOfTopic: Hashable, Sendable {
    package var topic: String
    package var key: [UInt8]

    package init(topic: String, key: [UInt8]) {
        self.topic = topic
        self.key = key
    }

    package init?(_ record: EventRecord) {
        guard let key = record.key else { return nil }
        self.topic = record.topic
        self.key = key
    }
}

extension OutboxParking {
    package static func behind(_ entry: OutboxEntry) -> OutboxParking {
        OutboxParking(entry: entry, reason: "an earlier event of its key is parked", isBehind: true)
    }
}

/// What is to be written down after a batch was sent.
struct RelaySettlement: Sendable {
    var settlement: OutboxSettlement

    /// How many entries stay in the outbox and are sent again.
    var retries = 0

    /// Why they could not go now: the first such failure.
    var obstacle: SendFailure?

    init(_ settlement: OutboxSettlement) {
        self.settlement = settlement
    }

    /// Takes in what became of other batches.
    mutating func add(_ other: RelaySettlement) {
        settlement.batches += other.settlement.batches
        settlement.sent += other.settlement.sent
        settlement.parked += other.settlement.parked
        settlement.kept += other.settlement.kept
        retries += other.retries
        obstacle = obstacle ?? other.obstacle
    }
}
