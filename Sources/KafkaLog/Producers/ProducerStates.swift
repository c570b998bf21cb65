import DequeModule
import KafkaProtocol

/// What a partition remembers of its idempotent and transactional producers: a pure state machine, no I/O.
///
/// For every producer id it keeps the newest epoch and the last five batches, as many as a Kafka producer has in flight
/// at once. A batch is
/// - a *duplicate* if epoch, first and last sequence equal one of the five: it is answered with the original offset;
/// - *next* if its first sequence follows the last one (2³¹−1 is followed by 0), if its epoch is new and it begins at
///   0, or if the producer is unknown here (expired, or its records deleted), in which case any sequence will do;
/// - refused otherwise.
///
/// A transaction is open here from its first batch to its marker. A marker may carry a higher epoch than the batches: then
/// whoever wrote them is fenced.
struct ProducerStates: Equatable, Sendable {
    /// A batch that was appended.
    struct Batch: Equatable, Sendable {
        var firstSequence: Int32
        var lastSequence: Int32
        var baseOffset: Int64
        var lastOffset: Int64
        /// The largest timestamp in the batch, milliseconds since 1970.
        var timestamp: Int64
    }

    struct Producer: Equatable, Sendable {
        var epoch: Int16
        /// When the log last took a batch of this producer, by its own clock; after recovery, when it recovered.
        var lastSeen: Int64
        /// Oldest first, at most five, all of `epoch`.
        var batches: Deque<Batch>

        var lastSequence: Int32? { batches.last?.lastSequence }
    }

    /// What to do with a batch.
    enum Decision: Equatable {
        case append
        case duplicate(Batch)
        case outOfOrder(expected: Int32)
        case oldEpoch(current: Int16)
    }

    static let keptBatches = 5

    var producers: [Int64: Producer] = [:]
    /// Producer ids with an open transaction, and where it begins.
    var open: [Int64: Int64] = [:]

    /// Where the first open transaction begins.
    var firstOpenOffset: Int64? { open.values.min() }

    /// What to do with a batch of the given sequences.
    func decide(producerID: Int64, epoch: Int16, firstSequence: Int32, lastSequence: Int32) -> Decision {
        guard let producer = producers[producerID] else { return .append }
        if epoch < producer.epoch { return .oldEpoch(current: producer.epoch) }
        if epoch > producer.epoch { return firstSequence == 0 ? .append : .outOfOrder(expected: 0) }
        guard let last = producer.lastSequence else { return .append }
        let duplicate = producer.batches.first {
            $0.firstSequence == firstSequence && $0.lastSequence == lastSequence
        }
        if let duplicate { return .duplicate(duplicate) }
        let expected = Self.sequence(last, plus: 1)
        return firstSequence == expected ? .append : .outOfOrder(expected: expected)
    }

    /// Remembers a batch that is in the log now.
    mutating func append(producerID: Int64, epoch: Int16, batch: Batch, now: Int64) {
        var producer = producers.removeValue(forKey: producerID) ?? Producer(epoch: epoch, lastSeen: now, batches: [])
        if producer.epoch != epoch {
            producer.epoch = epoch
            producer.batches.removeAll()
        }
        if producer.batches.count == Self.keptBatches { producer.batches.removeFirst() }
        producer.batches.append(batch)
        producer.lastSeen = now
        producers[producerID] = producer
    }

    /// Forgets producers that were not seen for `milliseconds`. Returns how many.
    @discardableResult
    mutating func expire(now: Int64, after milliseconds: Int64) -> Int {
        let before = producers.count
        producers = producers.filter { now - $0.value.lastSeen < milliseconds || open[$0.key] != nil }
        return before - producers.count
    }

    /// A sequence number some records later; 2³¹−1 is followed by 0.
    static func sequence(_ sequence: Int32, plus count: Int32) -> Int32 {
        Int32((Int64(sequence) + Int64(count)) & Int64(Int32.max))
    }
}

/// A transaction that a marker has ended.
struct EndedTransaction: Equatable, Sendable {
    var firstOffset: Int64
    var markerOffset: Int64
    /// Its entry for the transaction index, if it was aborted.
    var aborted: AbortedTransaction?
}

extension ProducerStates {
    /// Takes over a batch that is in the log, at its offset. `marker` is what a control batch says.
    ///
    /// - Returns: the transaction that the batch ends.
    mutating func replay(
        _ header: RecordBatchHeader, marker: EndTransactionMarker?, now: Int64
    ) -> EndedTransaction? {
        guard header.hasProducerID else { return nil }
        if header.isControl { return marker.flatMap { end(header, isCommit: $0.isCommit, now: now) } }
        if header.baseSequence >= 0 {
            append(producerID: header.producerID, epoch: header.producerEpoch, batch: Batch(header), now: now)
        }
        // A batch that a cleaning emptied belongs to a transaction that was decided, whose marker may be gone.
        let isOpening = header.isTransactional && header.recordCount > 0
        if isOpening, open[header.producerID] == nil { open[header.producerID] = header.baseOffset }
        return nil
    }

    private mutating func end(_ header: RecordBatchHeader, isCommit: Bool, now: Int64) -> EndedTransaction? {
        let id = header.producerID
        if let known = producers[id], known.epoch >= header.producerEpoch {
            producers[id]?.lastSeen = now
        } else {
            producers[id] = Producer(epoch: header.producerEpoch, lastSeen: now, batches: [])
        }
        // A marker may come twice, when the coordinator was killed in between.
        guard let first = open.removeValue(forKey: id) else { return nil }
        var ended = EndedTransaction(firstOffset: first, markerOffset: header.lastOffset)
        if !isCommit {
            ended.aborted = AbortedTransaction(
                producerID: id, firstOffset: first, lastOffset: header.lastOffset,
                lastStableOffset: firstOpenOffset ?? header.lastOffset + 1)
        }
        return ended
    }
}

extension ProducerStates.Batch {
    /// A batch whose header has its offset.
    init(_ header: RecordBatchHeader) {
        self.init(
            firstSequence: header.baseSequence, lastSequence: header.lastSequence, baseOffset: header.baseOffset,
            lastOffset: header.lastOffset, timestamp: header.maxTimestamp)
    }
}
