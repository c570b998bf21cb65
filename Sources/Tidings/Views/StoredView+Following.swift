import KafkaClient
import Synchronization

extension StoredView: HistoryFollower {
    func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) async throws {
        board.update(0) { edition in
            if edition.tracker.positions.isEmpty { edition.start = .now }
            edition.tracker.start(positions, ends: ends)
        }
        try await takeOver()
    }

    func positions(of partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
        partitionsSeen.withLock { $0.formUnion(partitions) }
        try await begin(anew: false)
        let places = partitions.map { ($0, place($0)) }
        let store = store
        let positions = try await persistently {
            try await store.transaction { transaction in
                try places.reduce(into: [:]) { $0[$1.0] = try store.offset(of: $1.1, in: transaction) }
            }
        }
        known.withLock { $0 = positions }
        return positions
    }

    func receive(_ batch: ConsumerBatch) async throws -> Bool {
        if !batch.isEmpty {
            let before = board.withCore(\.live.tracker)
            let after = try await persistently {
                try await self.store.transaction { try self.fold(batch, after: before, in: $0) }
            }
            board.update(0) { $0.tracker.takeStamps(of: after) }
            known.withLock { $0[batch.partition] = max($0[batch.partition] ?? 0, batch.nextOffset) }
        }
        let isWanted = board.update(0) { edition in
            edition.tracker.received(
                batch.count, of: batch.partition, upTo: batch.nextOffset, reachesEnd: batch.reachesEnd)
        }
        if !handover.withLock({ $0.isDone }) { try await takeOver() }
        return isWanted
    }

    /// Folds a batch in one transaction, from where the database stands: another instance may have been faster.
    ///
    /// - Returns: with the stamps of all its records.
    /// - Throws: ``SetBack``; ``TidingsError/Code/fenced``.
    private func fold(
        _ batch: ConsumerBatch, after before: HistoryTracker, in transaction: S.Transaction
    ) throws -> HistoryTracker {
        var tracker = before
        try checkVersion(in: transaction)
        let place = place(batch.partition)
        let stored = try store.offset(of: place, in: transaction)
        if let before = known.withLock({ $0[batch.partition] }), stored ?? -1 < before { throw SetBack() }
        // What another instance has folded may come a second time, too.
        for record in batch.prefix(while: { $0.offset < stored ?? 0 }) {
            _ = tracker.isNew(record, in: batch.partition)
        }
        if let stored, stored >= batch.nextOffset { return tracker }
        guard try store.advance(place, from: stored, to: batch.nextOffset, in: transaction) else { throw Overtaken() }
        let (folds, codecs) = (table.folds, CodecTable(configuration.codecs, versions: configuration.versions))
        var state = transaction
        for record in batch where record.offset >= stored ?? 0 {
            do {
                try folds.apply(record, in: batch.partition, to: &state, &tracker, codecs)
            } catch let error as TidingsError where error.code == .cannotDecode {
                try configuration.unreadable(record, error, by: name, metrics, logger)
            }
        }
        probe?.reached(Step(.viewFolded, []))
        return tracker
    }
}
