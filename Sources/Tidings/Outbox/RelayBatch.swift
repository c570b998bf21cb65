/// What a relay does with the entries it has claimed: which go, which are parked, and what follows from the outcomes.
///
/// A value without I/O. The rules that keep the order of a key:
/// - an entry behind a parked one of its topic and key is parked too;
/// - an entry that must be tried again keeps back all later ones of its topic and key, even those that are out, so
///   that the newest event of a key is also the last to be sent.
struct RelayBatch {
    /// What goes to Kafka, in order.
    private(set) var sending: [OutboxEntry] = []

    /// What cannot go, known before sending.
    private(set) var parked: [OutboxParking] = []

    init(claimed: [OutboxEntry], maximumRecordBytes: Int) {
        var blocked: Set<Stream> = []
        sending.reserveCapacity(claimed.count)
        for entry in claimed {
            let stream = Stream(entry.record)
            if entry.isBehindParked || stream.map(blocked.contains) ?? false {
                parked.append(OutboxParking(sequence: entry.sequence, reason: RelayBatch.behindReason))
            } else if entry.record.size > maximumRecordBytes {
                let reason = "too large: \(entry.record.size) bytes, at most \(maximumRecordBytes) may be sent"
                parked.append(OutboxParking(sequence: entry.sequence, reason: reason))
                if let stream { blocked.insert(stream) }
            } else {
                sending.append(entry)
            }
        }
    }

    /// What follows from Kafka's answers, one for each of ``sending``.
    func settle(_ outcomes: [SendOutcome]) -> RelaySettlement {
        var settlement = RelaySettlement(parked: parked)
        var blocked: Set<Stream> = []
        var waiting: Set<Stream> = []
        for (index, entry) in sending.enumerated() {
            let stream = Stream(entry.record)
            let waits = stream.map(waiting.contains) ?? false
            switch index < outcomes.count ? outcomes[index] : .failed(RelayBatch.unanswered) {
            case .sent where !waits:
                settlement.sent.append(entry)
            case .sent:
                settlement.retries += 1
            case .failed(let failure):
                if let stream, blocked.contains(stream) {
                    settlement.parked.append(OutboxParking(sequence: entry.sequence, reason: RelayBatch.behindReason))
                } else if failure.isRetriable || failure.isFatal || waits {
                    settlement.retries += 1
                    settlement.obstacle = settlement.obstacle ?? failure
                    if let stream { waiting.insert(stream) }
                } else {
                    settlement.parked.append(OutboxParking(sequence: entry.sequence, reason: failure.message))
                    if let stream { blocked.insert(stream) }
                }
            }
        }
        return settlement
    }

    private static let behindReason = "an earlier event of its key is parked"
    private static let unanswered = SendFailure(message: "the sender gave no outcome", isRetriable: true)

    /// What keeps its order: a key of a topic. Records without a key have no order among themselves.
    private struct Stream: Hashable {
        var topic: String
        var key: [UInt8]

        init?(_ record: EventRecord) {
            guard let key = record.key else { return nil }
            self.topic = record.topic
            self.key = key
        }
    }
}

/// What is to be written down after a batch was sent.
struct RelaySettlement: Sendable {
    var sent: [OutboxEntry] = []
    var parked: [OutboxParking] = []

    /// Entries that stay in the outbox and are sent again.
    var retries = 0

    /// Why they could not go now: the first such failure.
    var obstacle: SendFailure?

    init(parked: [OutboxParking]) {
        self.parked = parked
    }
}
