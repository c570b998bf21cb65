import KafkaLog
import KafkaProtocol
import NIOCore

/// A record set, with checksums that are right, so that what they protect is reached too.
@Sendable func fuzzBatches(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = ByteBuffer(bytes: UnsafeRawBufferPointer(start: start, count: count))
    for records in [bytes, withRightChecksum(bytes)] {
        var batches = RecordBatches(records)
        while let batch = try? batches.next() {
            _ = EndTransactionMarker(batch: batch.bytes)
            guard var reader = try? RecordBatchReader(batch.bytes, decompressionLimit: 1 << 20) else { continue }
            while let record = try? reader.next() { _ = record.headers.count }
        }
    }
    return 0
}

/// As a partition's only segment, with an index beside it: opening must find an end or refuse, and reading come to it.
@Sendable func fuzzRecovery(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = ByteBuffer(bytes: UnsafeRawBufferPointer(start: start, count: count))
    let files = SimulatedFileSystem(seed: 1)
    let directory = "t-0", name = "\(directory)/00000000000000000000"
    try? files.createDirectories(directory)
    try? files.setContents(of: name + ".log", Array(withRightChecksum(bytes).readableBytesView))
    try? files.setContents(of: name + ".index", Array(bytes.readableBytesView.suffix(64)))
    try? files.setContents(of: name + ".snapshot", Array(bytes.readableBytesView.prefix(64)))
    guard let log = try? PartitionLog.open(directory: directory, files: files) else { return 0 }
    var next = log.logStartOffset
    while let found = try? log.read(from: next, maxBytes: 1 << 16), found.readableBytes > 0 {
        var batches = RecordBatches(found)
        let before = next
        while let batch = try? batches.next() { next = batch.header.nextOffset }
        guard next > before else { break }
    }
    _ = try? log.append(bytes)
    _ = try? log.flush()
    _ = try? log.close()
    return 0
}

/// Puts the checksum right that the first batch should have, if the bytes are long enough for one.
private func withRightChecksum(_ bytes: ByteBuffer) -> ByteBuffer {
    guard let length = bytes.getInteger(at: bytes.readerIndex + 8, as: Int32.self),
        length > 9, bytes.readableBytes >= 12 + Int(length),
        let protected = bytes.getSlice(at: bytes.readerIndex + 21, length: Int(length) - 9)
    else { return bytes }
    var repaired = bytes
    repaired.setInteger(protected.withUnsafeReadableBytes { CRC32C.checksum($0) }, at: bytes.readerIndex + 17)
    return repaired
}
