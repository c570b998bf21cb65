import KafkaProtocol
import NIOCore

/// Decides batch by batch what stays of a log, given the newest offset of every key: pure, no I/O.
///
/// - A record stays if no later one has its key, and if it is no tombstone whose time is over. A record without key goes.
/// - A tombstone's time begins when a cleaning first meets it: its batch then gets the delete horizon, now plus
///   `delete.retention.ms` (KIP-534), and a cleaning after that removes it.
/// - Records of aborted transactions go. A marker without a batch before it gets a delete horizon of its own.
/// - A batch without records stays where it is the last of a producer (its sequence), or ends the cleaned part (so that
///   readers get beyond the hole).
/// - Batches behind the part that the keys were taken from stay as they are.
///
/// Batches are to be given in the order of the log, from its start on.
struct BatchCleaner {
    enum Outcome: Equatable {
        case keep
        case drop
        case replace(ByteBuffer)
    }

    /// What a cleaning goes by.
    struct Rules {
        var newest: OffsetMap
        var lastBatches: LastBatches
        /// Where the part ends that the keys were taken from.
        var end: Int64
        var logStartOffset: Int64
        /// Milliseconds since 1970.
        var now: Int64
        var deleteRetention: Int64
        var decompressionLimit: Int
    }

    private let rules: Rules
    private var fates: TransactionFates
    private(set) var counts = CleaningReport.Counts()
    /// Whether each record of the batch at hand stays; kept to be used again.
    private var keeps: [Bool] = []

    init(_ rules: Rules, fates: TransactionFates) {
        self.rules = rules
        self.fates = fates
    }

    mutating func clean(_ header: RecordBatchHeader, _ bytes: ByteBuffer) throws(ProtocolError) -> Outcome {
        guard header.baseOffset < rules.end else { return .keep }
        counts.recordsBefore += Int64(header.recordCount)
        let outcome = header.isControl ? try cleanMarker(header, bytes) : try cleanData(header, bytes)
        if case .keep = outcome { counts.recordsAfter += Int64(header.recordCount) }
        return outcome
    }

    private func isNeeded(_ header: RecordBatchHeader) -> Bool {
        rules.lastBatches.contains(header) || header.nextOffset == rules.end
    }

    private var newHorizon: Int64 {
        let (horizon, overflow) = rules.now.addingReportingOverflow(rules.deleteRetention)
        return overflow ? .max : horizon
    }

    private func isOver(_ header: RecordBatchHeader) -> Bool {
        header.hasDeleteHorizon && header.baseTimestamp <= rules.now
    }

    private mutating func cleanMarker(_ header: RecordBatchHeader, _ bytes: ByteBuffer) throws(ProtocolError) -> Outcome
    {
        guard fates.meetMarker(header) else { return .keep }
        if header.hasDeleteHorizon {
            guard isOver(header), !isNeeded(header) else { return .keep }
            counts.markersRemoved += 1
            return .drop
        }
        let batch = try OpenedBatch(bytes, decompressionLimit: rules.decompressionLimit)
        counts.recordsAfter += Int64(header.recordCount)
        return .replace(
            try batch.keeping(Array(repeating: true, count: Int(header.recordCount)), deleteHorizon: newHorizon))
    }

    private mutating func cleanData(_ header: RecordBatchHeader, _ bytes: ByteBuffer) throws(ProtocolError) -> Outcome {
        fates.meet(header)
        let isAborted = fates.isAborted(header)
        if isAborted || header.lastOffset < rules.logStartOffset || header.recordCount == 0 {
            if isAborted { counts.abortedRemoved += Int64(header.recordCount) }
            return try emptied(header)
        }
        let batch = try OpenedBatch(bytes, decompressionLimit: rules.decompressionLimit)
        let (kept, hasTombstones) = try decide(batch)
        if kept == 0 { return try emptied(header) }
        let horizon = hasTombstones && !header.hasDeleteHorizon ? newHorizon : nil
        if kept == header.recordCount, horizon == nil { return .keep }
        counts.recordsAfter += Int64(kept)
        return .replace(try batch.keeping(keeps, deleteHorizon: horizon))
    }

    /// Fills `keeps`; returns how many records stay, and whether tombstones are among them.
    private mutating func decide(_ batch: OpenedBatch) throws(ProtocolError) -> (kept: Int32, hasTombstones: Bool) {
        let header = batch.header
        let tombstonesGo = isOver(header)
        let newest = rules.newest
        let start = rules.logStartOffset
        var kept: Int32 = 0
        var hasTombstones = false
        var tombstonesRemoved: Int64 = 0
        var keeps = keeps
        self.keeps = []
        keeps.removeAll(keepingCapacity: true)
        try batch.forEach { record, key in
            let offset = header.baseOffset + Int64(record.offsetDelta)
            var stays = false
            if let key, offset >= start, offset >= newest.offset(of: key) ?? offset {
                stays = !(record.isTombstone && tombstonesGo)
                if !stays { tombstonesRemoved += 1 }
            }
            keeps.append(stays)
            guard stays else { return }
            kept += 1
            if record.isTombstone { hasTombstones = true }
        }
        self.keeps = keeps
        counts.tombstonesRemoved += tombstonesRemoved
        return (kept, hasTombstones)
    }

    private func emptied(_ header: RecordBatchHeader) throws(ProtocolError) -> Outcome {
        guard isNeeded(header) else { return .drop }
        return header.recordCount == 0 ? .keep : .replace(try OpenedBatch.empty(header))
    }
}
