import KafkaProtocol
import NIOCore
import Synchronization

/// What became of a record set.
public struct AppendResult: Hashable, Sendable {
    /// The offset of the first record; for a duplicate, where it is since the first time.
    public var baseOffset: Int64
    /// The offset of the last record. It is durable when `durableOffset` is greater.
    public var lastOffset: Int64
    /// The log's time for these records, in milliseconds since 1970; -1 where producers set the time.
    public var logAppendTime: Int64
    /// Whether the records were in the log already. They may still be waiting for a flush: answer a duplicate, like any
    /// other append, when it is durable.
    public var isDuplicate: Bool

    public init(baseOffset: Int64, lastOffset: Int64, logAppendTime: Int64 = -1, isDuplicate: Bool = false) {
        self.baseOffset = baseOffset
        self.lastOffset = lastOffset
        self.logAppendTime = logAppendTime
        self.isDuplicate = isDuplicate
    }
}

extension PartitionLog {
    /// Where the base offset, the length and the leader epoch are, outside of the checksum.
    private static let patchedBytes = 16

    /// Appends one record set, whole or not at all, and gives its records their offsets.
    ///
    /// Batches are checked (format, size, counts, CRC, and an idempotent producer's sequence) but not opened, except for
    /// the keys in a compacted topic. They go to the file as they came, with base offset and leader epoch written
    /// beside them, so the producer's bytes are neither copied nor changed; only a topic with `logAppendTime` needs a
    /// copy and a new checksum. Nothing is durable before `flush()`.
    ///
    /// - Parameter transactions: asked for each transactional batch that is none of the log's already.
    /// - Returns: the offsets; for a duplicate of one of a producer's last five batches, the original ones.
    /// - Throws: `LogError`; nothing was appended then. `.noSpace` is worth another try, `isFatal` is not.
    public func append(
        _ records: ByteBuffer, origin: AppendOrigin = .client, leaderEpoch: Int32 = 0,
        transactions: TransactionGuard = noTransactions
    ) throws(LogError) -> AppendResult {
        let batches = try BatchValidator(configuration: configuration, origin: origin).batches(of: records)
        return try writer.withLock { writer throws(LogError) in
            try check(writer)
            if origin == .client, let duplicate = try duplicate(of: batches, writer) { return duplicate }
            if origin == .client { try checkTimestamps(of: batches) }
            for batch in batches where batch.header.isTransactional && !batch.header.isControl {
                if let refusal = transactions(batch.header.producerID, batch.header.producerEpoch) { throw refusal }
            }
            try roll(&writer, for: batches, size: records.readableBytes)
            try removeShutdownFile(&writer)

            let time = configuration.timestampType == .logAppendTime ? now() : -1
            let placed = place(batches, from: writer.nextOffset, time: time)
            try write(placed, of: records, time: time, leaderEpoch: leaderEpoch, &writer)
            return publish(placed, of: records, time: time, &writer)
        }
    }

    /// Refuses producers' timestamps that are too far from now, by what the batches' headers say.
    private func checkTimestamps(of batches: [BatchValidator.Batch]) throws(LogError) {
        let configuration = configuration
        guard configuration.timestampType == .createTime else { return }
        let (before, after) = (
            configuration.timestampBeforeMaxMilliseconds, configuration.timestampAfterMaxMilliseconds
        )
        guard before < .max || after < .max else { return }
        let now = now()
        for header in batches.lazy.map(\.header) {
            // Negative ones say that there is no time.
            let (first, last) = (header.baseTimestamp, header.maxTimestamp)
            guard first < 0 || now - first <= before, last <= now || last - now <= after else {
                throw LogError(
                    .invalidTimestamp,
                    "timestamps \(first) to \(last) at \(now); \(before) ms before and \(after) ms after are taken")
            }
        }
    }

    /// The batches with the offsets (and the time) they will have.
    private func place(_ batches: [BatchValidator.Batch], from offset: Int64, time: Int64) -> [BatchValidator.Batch] {
        var next = offset
        return batches.map { batch in
            var placed = batch
            placed.header.baseOffset = next
            if time >= 0 { placed.header.maxTimestamp = time }
            next = placed.header.lastOffset + 1
            return placed
        }
    }

    /// Writes the batches behind the end; on failure the file is cut back to where it was.
    private func write(
        _ batches: [BatchValidator.Batch], of records: ByteBuffer, time: Int64, leaderEpoch: Int32,
        _ writer: inout Writer
    ) throws(LogError) {
        let position = writer.position
        let segment = writer.segment
        do throws(FileError) {
            let file = try segment.file()
            if time >= 0 {
                try file.write(stamped(batches, of: records, time: time, leaderEpoch: leaderEpoch), at: position)
            } else {
                try write(batches, of: records, leaderEpoch: leaderEpoch, to: file, at: position)
            }
        } catch {
            do throws(FileError) {
                try segment.file().truncate(to: position)
            } catch let second {
                throw fail(&writer, "a partial write could not be cut away", second)
            }
            if error.code == .noSpace { throw LogError(file: error) }
            throw fail(&writer, "a write failed", error)
        }
    }

    /// One gathering write: for each batch its first 16 bytes anew, then its own bytes from there on.
    private func write(
        _ batches: [BatchValidator.Batch], of records: ByteBuffer, leaderEpoch: Int32, to file: any StorageFile,
        at position: Int64
    ) throws(FileError) {
        let failure: FileError? = records.withUnsafeReadableBytes { bytes in
            withUnsafeTemporaryAllocation(byteCount: batches.count * Self.patchedBytes, alignment: 8) { scratch in
                var pieces: [UnsafeRawBufferPointer] = []
                pieces.reserveCapacity(batches.count * 2)
                for (number, batch) in batches.enumerated() {
                    let start = number * Self.patchedBytes
                    scratch.storeBytes(of: batch.header.baseOffset.bigEndian, toByteOffset: start, as: Int64.self)
                    scratch.storeBytes(of: batch.header.batchLength.bigEndian, toByteOffset: start + 8, as: Int32.self)
                    scratch.storeBytes(of: leaderEpoch.bigEndian, toByteOffset: start + 12, as: Int32.self)
                    pieces.append(UnsafeRawBufferPointer(rebasing: scratch[start..<start + Self.patchedBytes]))
                    let from = batch.index - records.readerIndex
                    let rest = from + Self.patchedBytes..<from + batch.header.totalSize
                    pieces.append(UnsafeRawBufferPointer(rebasing: bytes[rest]))
                }
                do throws(FileError) {
                    try file.write(pieces, at: position)
                    return nil
                } catch {
                    return error
                }
            }
        }
        if let failure { throw failure }
    }

    /// A copy of the record set with offsets, epoch, the log's time and new checksums.
    private func stamped(
        _ batches: [BatchValidator.Batch], of records: ByteBuffer, time: Int64, leaderEpoch: Int32
    ) throws(FileError) -> ByteBuffer {
        var copy = records
        for batch in batches {
            RecordBatchHeader.setBaseOffset(batch.header.baseOffset, in: &copy, at: batch.index)
            RecordBatchHeader.setPartitionLeaderEpoch(leaderEpoch, in: &copy, at: batch.index)
            do {
                try RecordBatchHeader.setLogAppendTime(time, in: &copy, at: batch.index)
            } catch {
                throw FileError(code: .other, operation: "stamp a batch for", path: directory)
            }
        }
        return copy
    }

    /// Takes what was written into indexes, producer states and the readers' view.
    private func publish(
        _ batches: [BatchValidator.Batch], of records: ByteBuffer, time: Int64, _ writer: inout Writer
    ) -> AppendResult {
        let first = batches[0].header.baseOffset
        let last = batches[batches.count - 1].header.lastOffset
        writer.segment.advance(batches.lazy.map { LogSegment.Appended($0.header) })
        for batch in batches where batch.header.hasProducerID {
            take(batch.header, marker: batch.marker(in: records), &writer)
        }
        if writer.position == 0 { writer.segmentStarted = now() }
        writer.position += Int64(records.readableBytes)
        writer.nextOffset = last + 1
        published.withLock { $0.logEndOffset = last + 1 }
        if batches.contains(where: { $0.header.isTransactional }) { publishStability(&writer) }
        return AppendResult(baseOffset: first, lastOffset: last, logAppendTime: time)
    }

    /// The earlier result if the record set is a repetition; throws if a producer's sequence does not fit.
    private func duplicate(
        of batches: [BatchValidator.Batch], _ writer: borrowing Writer
    ) throws(LogError) -> AppendResult? {
        if batches.count == 1 {
            return batches[0].header.hasProducerID ? try duplicate(of: batches[0].header, writer.producers) : nil
        }
        // Each batch must fit to what the one before leaves behind.
        var states = ProducerStates()
        for batch in batches where batch.header.hasProducerID {
            let id = batch.header.producerID
            if states.producers[id] == nil { states.producers[id] = writer.producers.producers[id] }
            if let earlier = try duplicate(of: batch.header, states) { return earlier }
            _ = states.replay(batch.header, marker: nil, now: 0)
        }
        return nil
    }

    private func duplicate(of header: RecordBatchHeader, _ states: ProducerStates) throws(LogError) -> AppendResult? {
        let decision = states.decide(
            producerID: header.producerID, epoch: header.producerEpoch, firstSequence: header.baseSequence,
            lastSequence: header.lastSequence)
        let who = { "producer \(header.producerID), epoch \(header.producerEpoch)" }
        switch decision {
        case .append:
            return nil
        case .duplicate(let original):
            return AppendResult(
                baseOffset: original.baseOffset, lastOffset: original.lastOffset,
                logAppendTime: configuration.timestampType == .logAppendTime ? original.timestamp : -1,
                isDuplicate: true)
        case .outOfOrder(let expected):
            throw LogError(
                .outOfOrderSequence, "\(who()) sent sequence \(header.baseSequence) where \(expected) follows")
        case .oldEpoch(let current):
            throw LogError(.invalidProducerEpoch, "\(who()) was replaced by epoch \(current)")
        }
    }
}
