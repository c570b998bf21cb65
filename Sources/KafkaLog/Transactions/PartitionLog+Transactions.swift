import KafkaProtocol
import NIOCore
import Synchronization

/// Where a log begins and ends, for different readers, at one moment.
public struct LogBounds: Hashable, Sendable {
    /// The first offset that can be read.
    public var logStartOffset: Int64
    /// Every record before it belongs to no transaction, or to one that is decided: readers of committed records stop here.
    public var lastStableOffset: Int64
    /// Every record before it is durable: other readers stop here.
    public var highWatermark: Int64

    public init(logStartOffset: Int64, lastStableOffset: Int64, highWatermark: Int64) {
        self.logStartOffset = logStartOffset
        self.lastStableOffset = lastStableOffset
        self.highWatermark = highWatermark
    }
}

extension PartitionLog {
    /// Whether a producer may add to a transaction here; asked for every transactional batch while nothing else is
    /// appended, so that what it lets in lies before the marker that ends the transaction. Nil, or why not.
    public typealias TransactionGuard = @Sendable (_ producerID: Int64, _ epoch: Int16) -> LogError?

    /// Lets no transaction begin.
    public static let noTransactions: TransactionGuard = { producerID, _ in
        LogError(.invalidTransaction, "producer \(producerID) has no transaction here")
    }

    /// Where the log begins and ends now.
    public var bounds: LogBounds { published.withLock { bounds($0) } }

    /// Every record before it belongs to no transaction, or to one that is decided and whose marker is durable.
    public var lastStableOffset: Int64 { bounds.lastStableOffset }

    func bounds(_ published: Published) -> LogBounds {
        let end = highWatermark(published)
        let stable = min(end, published.firstUnstableOffset ?? end)
        return LogBounds(
            logStartOffset: published.logStartOffset, lastStableOffset: max(published.logStartOffset, stable),
            highWatermark: end)
    }

    /// The aborted transactions with records from `start` on and before `end`: who reads only committed records drops
    /// theirs. In the order of their markers.
    public func abortedTransactions(from start: Int64, before end: Int64) -> [AbortedTransaction] {
        let segments = published.withLock { $0.segments }
        var found: [AbortedTransaction] = []
        for segment in segments[Self.index(of: start, in: segments)...] {
            for transaction in segment.abortedTransactions {
                if transaction.lastOffset >= start, transaction.firstOffset < end { found.append(transaction) }
                if transaction.lastStableOffset >= end { return found }
            }
        }
        return found
    }

    /// Takes a batch that is in the log now into the producers' states.
    func take(_ header: RecordBatchHeader, marker: EndTransactionMarker?, _ writer: inout Writer) {
        let ended = writer.producers.replay(header, marker: marker, now: now())
        guard let ended else { return }
        writer.undecided.append(ended)
        if let aborted = ended.aborted { writer.segment.add(aborted) }
    }

    /// Tells readers where the first record is whose transaction is open, or ended by a marker that is not durable yet.
    func publishStability(_ writer: inout Writer) {
        let open = writer.producers.firstOpenOffset
        published.withLock { published in
            let end = highWatermark(published)
            writer.undecided.removeAll { $0.markerOffset < end }
            let waiting = writer.undecided.lazy.map(\.firstOffset).min()
            published.firstUnstableOffset = [open, waiting].compactMap { $0 }.min()
        }
    }
}
