import KafkaProtocol

/// What became of the transactions in a log, while a cleaning walks through it from its start: pure, no I/O.
///
/// Records of an aborted transaction count for nothing. A marker may go when no batch of its transaction was met any
/// more: whoever reads from before it would otherwise take aborted records for committed ones.
struct TransactionFates {
    private var aborted: [Int64: [ClosedRange<Int64>]] = [:]
    /// Producers with a batch of a transaction whose marker was not met yet.
    private var open: Set<Int64> = []

    init(_ transactions: [AbortedTransaction]) {
        for transaction in transactions {
            aborted[transaction.producerID, default: []].append(transaction.firstOffset...transaction.lastOffset)
        }
    }

    /// Whether a batch belongs to a transaction that was aborted.
    func isAborted(_ header: RecordBatchHeader) -> Bool {
        guard header.isTransactional, !header.isControl, let ranges = aborted[header.producerID] else { return false }
        return ranges.contains { $0.contains(header.baseOffset) }
    }

    /// Takes note of a transaction's batch.
    mutating func meet(_ header: RecordBatchHeader) {
        if header.isTransactional, !header.isControl { open.insert(header.producerID) }
    }

    /// Takes note of a marker. Returns whether nothing of its transaction is left before it.
    mutating func meetMarker(_ header: RecordBatchHeader) -> Bool {
        open.remove(header.producerID) == nil
    }
}

/// Where each remembered producer's last batch is: the batch that must stay, even without records, so that the sequence
/// is known where no snapshot tells it.
struct LastBatches: Equatable {
    private struct Last: Equatable {
        var epoch: Int16
        /// `nil` for a producer of whom only a marker is remembered.
        var offset: Int64?
    }

    private var byProducer: [Int64: Last] = [:]

    init(_ states: ProducerStates) {
        byProducer = states.producers.mapValues { Last(epoch: $0.epoch, offset: $0.batches.last?.lastOffset) }
    }

    func contains(_ header: RecordBatchHeader) -> Bool {
        guard header.hasProducerID, let last = byProducer[header.producerID] else { return false }
        guard let offset = last.offset else { return header.isControl && header.producerEpoch == last.epoch }
        return header.lastOffset == offset
    }
}
