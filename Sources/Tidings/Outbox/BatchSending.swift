/// How what a relay has claimed gets to Kafka, and what is to be written down of it.
protocol BatchSending: Sendable {
    /// Whether a batch may be sent once all of the one before is acknowledged, though that is not written down yet.
    var sendsAhead: Bool { get }

    /// Sends entries of one or several shards' batches.
    ///
    /// - Throws: `CancellationError`; nothing is written down then.
    func send(_ claimed: [OutboxEntry], by right: SendRight) async throws -> RelaySettlement
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

    /// Should the batch before come again, readers know it by its stamps, which are below this one's.
    let sendsAhead = true

    func send(_ claimed: [OutboxEntry], by right: SendRight) async throws -> RelaySettlement {
        let batch = RelayBatch(claimed: claimed, maximumRecordBytes: maximumRecordBytes)
        var outcomes: [SendOutcome] = []
        if !batch.sending.isEmpty {
            do {
                outcomes = try await sender.send(batch.sending.map(\.stampedRecord))
            } catch let failure as SendFailure {
                outcomes = batch.sending.map { _ in .failed(failure) }
            }
        }
        return batch.settle(outcomes)
    }
}
