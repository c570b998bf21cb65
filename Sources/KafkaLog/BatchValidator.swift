import KafkaProtocol
import NIOCore

/// Who appends.
public enum AppendOrigin: Hashable, Sendable {
    /// A producer, which is not trusted.
    case client
    /// The broker itself, for its internal logs: control batches are allowed, sequences are not checked.
    case coordinator
}

/// Decides whether a record set may be appended; pure, and batches stay closed except in a compacted topic.
struct BatchValidator {
    /// A batch that passed, at its place in the record set.
    struct Batch {
        var header: RecordBatchHeader
        /// Where it begins, as an index of the buffer.
        var index: Int

        /// What a control batch says.
        func marker(in records: ByteBuffer) -> EndTransactionMarker? {
            guard header.isControl, let bytes = records.getSlice(at: index, length: header.totalSize) else {
                return nil
            }
            return EndTransactionMarker(batch: bytes)
        }
    }

    let configuration: LogConfiguration
    let origin: AppendOrigin

    /// The batches of a record set, if every one of them is fine.
    func batches(of records: ByteBuffer) throws(LogError) -> [Batch] {
        var batches: [Batch] = []
        var index = records.readerIndex
        while index < records.writerIndex {
            let header = try header(in: records, at: index)
            try check(header)
            guard header.isChecksumValid(in: records, at: index) else {
                throw LogError(.corruptMessage, "a batch of \(header.totalSize) bytes has a wrong checksum")
            }
            batches.append(Batch(header: header, index: index))
            index += header.totalSize
        }
        guard !batches.isEmpty else { throw LogError(.invalidRecord, "there is no batch to append") }
        if origin == .client, batches.count > 1, batches.contains(where: { $0.header.compression != Compression.none })
        {
            throw LogError(.invalidRecord, "\(batches.count) batches in one compressed record set")
        }
        if configuration.isCompacted, origin == .client {
            for batch in batches { try checkKeys(batch, in: records) }
        }
        return batches
    }

    private func header(in records: ByteBuffer, at index: Int) throws(LogError) -> RecordBatchHeader {
        let left = records.writerIndex - index
        guard left > 16 else { throw LogError(.corruptMessage, "\(left) bytes are no batch") }
        if let magic = records.getInteger(at: index + 16, as: Int8.self), magic != 2 {
            throw LogError(.invalidRecord, "a batch has format \(magic); only format 2 is taken")
        }
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(parsing: records, at: index)
        } catch {
            throw LogError(.corruptMessage, "a batch header cannot be read", cause: error)
        }
        guard header.totalSize <= left else {
            throw LogError(.corruptMessage, "a batch of \(header.totalSize) bytes, of which \(left) are there")
        }
        return header
    }

    private func check(_ header: RecordBatchHeader) throws(LogError) {
        guard header.totalSize <= configuration.maxMessageBytes else {
            throw LogError(
                .messageTooLarge, "a batch of \(header.totalSize) bytes; the limit is \(configuration.maxMessageBytes)")
        }
        guard header.recordCount > 0, header.lastOffsetDelta == header.recordCount - 1 else {
            throw LogError(
                .invalidRecord,
                "a batch counts \(header.recordCount) records but its last offset delta is \(header.lastOffsetDelta)")
        }
        guard header.compression != nil else {
            throw LogError(.unsupportedCompression, "a batch names an unknown compression")
        }
        guard origin == .client else { return }
        guard header.baseOffset == 0 else {
            throw LogError(.invalidRecord, "a producer's batch begins at offset \(header.baseOffset) instead of 0")
        }
        guard !header.isControl else { throw LogError(.invalidRecord, "a control batch from a client") }
        guard !header.isTransactional || header.hasProducerID else {
            throw LogError(.invalidRecord, "a transactional batch without producer id")
        }
        guard header.producerID < 0 || (header.baseSequence >= 0 && header.producerEpoch >= 0) else {
            throw LogError(
                .invalidRecord,
                "producer \(header.producerID) sent sequence \(header.baseSequence), epoch \(header.producerEpoch)")
        }
    }

    private func checkKeys(_ batch: Batch, in records: ByteBuffer) throws(LogError) {
        let hasKeys: Bool
        do {
            guard let bytes = records.getSlice(at: batch.index, length: batch.header.totalSize) else { return }
            var reader = try RecordBatchReader(bytes, decompressionLimit: configuration.maxDecompressedBytes)
            var all = true
            while let record = try reader.next() { all = all && record.key != nil }
            hasKeys = all
        } catch {
            throw LogError(.corruptMessage, "a batch for a compacted topic cannot be opened", cause: error)
        }
        guard hasKeys else { throw LogError(.invalidRecord, "a record without key in a compacted topic") }
    }
}
