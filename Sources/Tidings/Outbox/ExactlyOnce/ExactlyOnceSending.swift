import Synchronization

/// Sends each batch in a transaction of Kafka's, together with its number.
///
/// Three rules make each event come once:
/// - A transaction holds exactly the entries of its batch as the database has it, so that a number in Kafka says of each
///   of them that it is out. What cannot go is taken out of the batch first, in the database.
/// - A batch that may have been sent before is asked for, once this sender is the only one that can still commit it.
/// - What is not known to be committed stays in its batch; only what Kafka has refused leaves it.
final class ExactlyOnceSending: BatchSending {
    private struct Open: Sendable {
        let channel: any BatchChannel
        let epoch: Int64
    }

    /// Kafka remembers the last committed batch of a shard, so that only that one may be in doubt.
    let sendsAhead = false

    private let transactions: any BatchTransactions
    private let maximumRecordBytes: Int
    private let patience: RelayPatience
    private let probe: (any Probe)?
    private let channels = Mutex<[StampSource: Open]>([:])

    init(
        _ transactions: any BatchTransactions, maximumRecordBytes: Int, patience: RelayPatience, probe: (any Probe)?
    ) {
        self.transactions = transactions
        self.maximumRecordBytes = maximumRecordBytes
        self.patience = patience
        self.probe = probe
    }

    /// Each shard's batch for itself.
    func prepare(_ claimed: [OutboxEntry]) -> [ReadyBatch] {
        var batches: [[OutboxEntry]] = []
        for entry in claimed {
            if batches.last?.first?.batch == entry.batch {
                batches[batches.count - 1].append(entry)
            } else {
                batches.append([entry])
            }
        }
        return batches.map { ReadyBatch($0, maximumRecordBytes: maximumRecordBytes) }
    }

    /// Each batch in a transaction of its own, all at the same time.
    func send(_ ready: [ReadyBatch], by right: SendRight) async throws -> RelaySettlement {
        channels.withLock { channels in
            channels = channels.filter { right.epochs[$0.key.shard] == $0.value.epoch }
        }
        if ready.count == 1 { return try await send(batch: ready[0], by: right) }
        return try await withThrowingTaskGroup(of: RelaySettlement.self) { tasks in
            for batch in ready { tasks.addTask { try await self.send(batch: batch, by: right) } }
            var all = RelaySettlement(OutboxSettlement(batches: []))
            for try await one in tasks { all.add(one) }
            return all
        }
    }

    private func send(batch ready: ReadyBatch, by right: SendRight) async throws -> RelaySettlement {
        let entries = ready.claimed
        let source = entries[0].stamp.source
        do {
            let channel = try await channel(for: source, by: right)
            if entries.contains(where: \.isRepeated), try await isCommitted(entries, channel, right) {
                return .sent(entries)
            }
            // What cannot go leaves the batch before the rest is sent.
            if !ready.judged.parked.isEmpty { return .parked(ready.judged.parked, of: entries) }
            // Opening may have taken long. Whoever has the shard by now was fenced, and will open anew.
            guard right.isValid() else { return .waiting(entries, for: nil) }
            let number = entries[0].batch.number
            let refusals = try await channel.commit(ready.records, with: patience, as: number) {
                self.probe?.reached(Step(.relayCommitting, entries.map(\.record.eventID)))
            }
            return refusals.isEmpty ? .sent(entries) : .refused(refusals, of: entries)
        } catch let failure as SendFailure {
            channels.withLock { $0[source] = nil }
            return .waiting(entries, for: failure)
        }
    }

    /// Whether a batch that may have been sent before is in Kafka.
    private func isCommitted(
        _ entries: [OutboxEntry], _ channel: any BatchChannel, _ right: SendRight
    ) async throws -> Bool {
        let batch = entries[0].batch
        guard let last = try await channel.lastCommitted(to: Set(entries.map(\.record.topic))) else { return false }
        // Nothing of a later batch is sent before an earlier one is settled. An outbox that has lost commits and has another
        // identity since has lost this batch's settlement. Under its own identity it gives numbers for the second time.
        guard last <= batch.number || entries[0].stamp.source.outbox != right.outbox else {
            throw SendFailure(
                message: "Kafka has batch \(last) of outbox \(entries[0].stamp.source), the database is at batch "
                    + "\(batch.number): it was restored; stop its relays and call renewOutbox()",
                isRetriable: true)
        }
        return last >= batch.number
    }

    private func channel(for source: StampSource, by right: SendRight) async throws -> any BatchChannel {
        if let open = channels.withLock({ $0[source] }) { return open.channel }
        let channel = try await transactions.open(source)
        if let epoch = right.epochs[source.shard] {
            channels.withLock { $0[source] = Open(channel: channel, epoch: epoch) }
        }
        return channel
    }
}
