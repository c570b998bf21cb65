import KafkaLog
import KafkaProtocol
import NIOCore

/// A record with a key, as a reader of a compacted log sees it. A tombstone has no value.
struct Row: Hashable, CustomStringConvertible {
    var offset: Int64
    var key: String?
    var value: String?
    var description: String { "\(offset):\(key ?? "-")=\(value ?? "-")" }
}

/// Makes one batch of keyed records.
func keyed(
    _ records: [(key: String?, value: String?)], compression: Compression = .none, producer: Int64 = -1,
    epoch: Int16 = 0, sequence: Int32 = -1, isTransactional: Bool = false, timestamp: Int64 = 1000
) throws -> ByteBuffer {
    var builder = RecordBatchBuilder(
        compression: compression, producerID: producer, producerEpoch: producer < 0 ? -1 : epoch,
        baseSequence: sequence, isTransactional: isTransactional)
    for (index, record) in records.enumerated() {
        builder.append(
            timestamp: timestamp + Int64(index), key: record.key.map { ByteBuffer(string: $0) },
            value: record.value.map { ByteBuffer(string: $0) },
            headers: [RecordHeader("h", record.key.map { ByteBuffer(string: $0) })])
    }
    return try builder.build()
}

extension PartitionLog {
    /// Appends one record without producer.
    @discardableResult
    func put(_ key: String?, _ value: String?, timestamp: Int64 = 1000) throws -> Int64 {
        try append(keyed([(key, value)], timestamp: timestamp)).baseOffset
    }

    func end(transactionOf producer: Int64, epoch: Int16 = 0, commit: Bool, timestamp: Int64 = 1000) throws {
        let marker = try EndTransactionMarker(isCommit: commit).batch(
            producerID: producer, producerEpoch: epoch, timestamp: timestamp)
        _ = try append(marker, origin: .coordinator)
    }

    /// The headers of all batches from the log's start to the high watermark.
    func headers() throws -> [RecordBatchHeader] {
        var headers: [RecordBatchHeader] = []
        var next = logStartOffset
        while true {
            var batches = RecordBatches(try read(from: next, maxBytes: 4096))
            guard batches.remaining.readableBytes > 0 else { return headers }
            while let batch = try batches.next() {
                headers.append(batch.header)
                next = batch.header.nextOffset
            }
        }
    }

    /// What a client reads from `start` on, batch by batch as they come; only committed records when asked to, by the
    /// list of aborted transactions and the markers, as clients do it. Up to the end that the log has when it gets there: at
    /// an earlier one it could miss a key whose record there has a successor by now.
    func rows(from start: Int64? = nil, committed: Bool = false) throws -> [Row] {
        var rows: [Row] = []
        var next = start ?? logStartOffset
        while true {
            let end = committed ? lastStableOffset : highWatermark
            guard next < end else { break }
            let bytes = try read(from: next, maxBytes: 4096, upTo: end)
            if bytes.readableBytes == 0 { break }
            var batches = RecordBatches(bytes)
            var waiting = abortedTransactions(from: next, before: end)
            var aborted: Set<Int64> = []
            while let batch = try batches.next() {
                let header = batch.header
                for transaction in waiting where transaction.firstOffset <= header.lastOffset {
                    aborted.insert(transaction.producerID)
                }
                waiting.removeAll { $0.firstOffset <= header.lastOffset }
                let from = next
                next = header.nextOffset
                if header.isControl {
                    if EndTransactionMarker(batch: batch.bytes)?.isCommit == false { aborted.remove(header.producerID) }
                    continue
                }
                if committed, header.isTransactional, aborted.contains(header.producerID) { continue }
                var reader = try RecordBatchReader(batch.bytes, decompressionLimit: 1 << 20)
                while let record = try reader.next() {
                    guard record.offset >= from else { continue }
                    rows.append(
                        Row(
                            offset: record.offset, key: record.key.map { String(buffer: $0) },
                            value: record.value.map { String(buffer: $0) }))
                }
            }
        }
        return rows
    }
}

/// What a reader of the whole log ends up with.
func table(_ rows: [Row]) -> [String: String] {
    var table: [String: String] = [:]
    for row in rows { if let key = row.key { table[key] = row.value } }
    return table
}

func compacted(segmentBytes: Int = 400) -> LogConfiguration {
    var configuration = smallSegments(segmentBytes)
    configuration.isCompacted = true
    configuration.minCleanableDirtyRatio = 0
    configuration.deleteRetentionMilliseconds = 1000
    return configuration
}
