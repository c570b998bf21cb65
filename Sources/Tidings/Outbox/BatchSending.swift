/// How what a relay has claimed gets to Kafka, and what is to be written down of it.
protocol BatchSending: Sendable {
    /// Whether a batch may be sent once all of the one before is acknowledged, though that is not written down yet.
    var sendsAhead: Bool { get }

    /// Makes entries of one or several shards' batches ready to be sent, which can be done while others are on their way.
    func prepare(_ claimed: [OutboxEntry]) -> [ReadyBatch]

    /// Sends what ``prepare(_:)`` made ready.
    ///
    /// - Throws: `CancellationError`; nothing is written down then.
    func send(_ ready: [ReadyBatch], by right: SendRight) async throws -> RelaySettlement
}

/// What was claimed and goes together, ready to be sent.
struct ReadyBatch: Sendable {
    /// What was claimed.
    let claimed: [OutboxEntry]

    /// What of it goes and what cannot.
    let judged: RelayBatch

    /// What goes, as it goes.
    let records: [EventRecord]

    init(_ claimed: [OutboxEntry], maximumRecordBytes: Int) {
        self.claimed = claimed
        judged = RelayBatch(claimed: claimed, maximumRecordBytes: maximumRecordBytes)
        records = judged.sending.map(\.stampedRecord)
    }
}

/// What a relay knows of its right to send while it does so.
struct SendRight: Sendable {
    /// The outbox's identity.
    let outbox: String

    /// The shards that it has, with their epochs.
    let epochs: [Int32: Int64]

    /// Whether nobody can have taken them yet.
    let isValid: @Sendable () -> Bool
}

/// Sends with an idempotent producer: what is sent a second time after a crash is known by its stamp.
struct StampedSending: BatchSending {
    let sender: any RecordSender
    let maximumRecordBytes: Int
    let patience: RelayPatience

    /// Should the batch before come again, readers know it by its stamps, which are below this one's.
    let sendsAhead = true

    /// All shards' together: the producer keeps the order.
    func prepare(_ claimed: [OutboxEntry]) -> [ReadyBatch] {
        [ReadyBatch(claimed, maximumRecordBytes: maximumRecordBytes)]
    }

    func send(_ ready: [ReadyBatch], by right: SendRight) async throws -> RelaySettlement {
        if ready.count == 1 { return try await send(ready[0], by: right) }
        var all = RelaySettlement(OutboxSettlement(batches: []))
        for batch in ready { all.add(try await send(batch, by: right)) }
        return all
    }

    private func send(_ ready: ReadyBatch, by right: SendRight) async throws -> RelaySettlement {
        var outcomes: [SendOutcome] = []
        for portion in patience.portions(of: ready.records) {
            // Somebody may have taken over during the portions before.
            if portion.lowerBound > 0, !right.isValid() { break }
            let records = ready.records[portion]
            var answers: [SendOutcome]
            do {
                answers = try await sender.send(Array(records))
            } catch let failure as SendFailure {
                answers = records.map { _ in .failed(failure) }
            }
            answers += repeatElement(.failed(.unanswered), count: max(0, records.count - answers.count))
            let judged = patience.judge(answers, of: records)
            outcomes += judged
            // What is behind it in its key must not overtake it; of a topic that is refused, that is refused, too.
            if judged.contains(where: { $0.failure.map { $0.fault != .topic } ?? false }) { break }
        }
        outcomes += repeatElement(.failed(.held), count: max(0, ready.records.count - outcomes.count))
        return ready.judged.settle(outcomes)
    }
}

extension SendFailure {
    static let unanswered = SendFailure(message: "the sender gave no outcome", isRetriable: true)

    /// Of a later portion, which goes as soon as is written down what has become of this one.
    fileprivate static let held = SendFailure(
        message: "something before it was not taken", isRetriable: true, mayBeOut: false, fault: .size)
}
