/// A relay's batches that follow one another without a pause: while one is on its way, the next is claimed, and what has
/// become of the one before is written down.
///
/// A value without I/O. What keeps the order: a batch is sent only when all of the one before is acknowledged. Otherwise
/// it is given back unsent, in the transaction that writes down what has become of that one, and its entries come again
/// in later batches. Should the relay die, both are open, and come again one after the other.
struct RelayStream {
    /// What is to be sent now.
    private(set) var claimed: [OutboxEntry]

    /// What has become of batches and is not written down yet.
    private(set) var unmarked: RelaySettlement?

    init(_ claimed: [OutboxEntry]) {
        self.claimed = claimed
    }

    /// Whether so much was claimed at once that more is likely to wait. What comes for the second time goes alone: behind
    /// it there may be more of that kind.
    func isFull(within configuration: OutboxRelayConfiguration) -> Bool {
        let isFull =
            claimed.count * 2 >= configuration.maximumBatchCount
            || claimed.lazy.map(\.record.size).reduce(0, +) * 2 >= configuration.maximumBatchBytes
        return isFull && !claimed.contains(where: \.isRepeated)
    }

    /// Goes on to what was claimed behind the batch that has come back.
    ///
    /// - Parameters:
    ///   - result: what has become of the batch.
    ///   - ahead: what was claimed behind it, in the transaction that has written down ``unmarked``; nil when nobody knows
    ///     whether that was committed.
    ///   - maySend: whether more may be sent.
    /// - Returns: what is to be written down, if nothing more is to be sent now.
    mutating func finish(_ result: RelaySettlement, behind ahead: [OutboxEntry]?, maySend: Bool) -> RelaySettlement? {
        guard let ahead else {
            // What is behind it may be open, and what would lose its stamp now would come after that.
            var result = result
            result.settlement.keepRest(of: claimed)
            return end(result)
        }
        unmarked = nil
        if !ahead.isEmpty, maySend, result.isComplete {
            (claimed, unmarked) = (ahead, result)
            return nil
        }
        var result = result
        for entry in ahead {
            if result.settlement.batches.last != entry.batch { result.settlement.batches.append(entry.batch) }
            // It may have been sent, by an earlier relay.
            if entry.isRepeated { result.settlement.kept.append(entry) }
        }
        return result
    }

    /// What is to be written down when nothing was claimed behind the batch.
    func end(_ result: RelaySettlement) -> RelaySettlement {
        guard var all = unmarked else { return result }
        all.add(result)
        return all
    }
}

extension RelaySettlement {
    /// Whether all that was claimed is sent.
    fileprivate var isComplete: Bool { obstacle == nil && settlement.parked.isEmpty && settlement.kept.isEmpty }
}

extension OutboxSettlement {
    /// Leaves what was claimed and is neither sent nor parked in its batches.
    fileprivate mutating func keepRest(of claimed: [OutboxEntry]) {
        let decided = Set((sent + parked.map(\.entry)).map(\.stamp))
        kept = claimed.filter { !decided.contains($0.stamp) }
    }
}
