import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct ValidationTests {
    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(
            directory: "t-0", configuration: configuration, files: SimulatedFileSystem(seed: 6))
    }

    /// What an append of changed bytes is answered with.
    func refusal(
        _ configuration: LogConfiguration = LogConfiguration(), fixChecksum: Bool = true,
        _ change: (inout ByteBuffer) throws -> Void
    ) throws -> ErrorCode? {
        let log = try open(configuration)
        var batch = try makeBatch(["a", "b"])
        try change(&batch)
        if fixChecksum, batch.readableBytes > 21 {
            let crc = batch.withUnsafeReadableBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[21...])) }
            batch.setInteger(crc, at: 17)
        }
        let error = logError { _ = try log.append(batch) }
        #expect(log.logEndOffset == (error == nil ? 2 : 0))
        return error?.errorCode
    }

    @Test("bytes that are no whole batch with a right checksum are corrupt")
    func corrupt() throws {
        #expect(try refusal { _ in } == nil)
        #expect(try refusal(fixChecksum: false) { $0.setInteger(UInt8(99), at: 70) } == .corruptMessage)
        #expect(try refusal { $0.writeInteger(UInt8(0)) } == .corruptMessage)
        #expect(try refusal { $0.moveWriterIndex(to: $0.writerIndex - 1) } == .corruptMessage)
        #expect(try refusal { $0.moveWriterIndex(to: 60) } == .corruptMessage)
        #expect(try refusal { $0.moveWriterIndex(to: 5) } == .corruptMessage)
        for length in [-1, 0, 48, Int32.max] as [Int32] {
            #expect(try refusal { $0.setInteger(length, at: 8) } == .corruptMessage)
        }
    }

    @Test("batches that contradict themselves, or that only a broker may write, are invalid")
    func invalid() throws {
        #expect(try refusal { $0.clear() } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int8(1), at: 16) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int64(3), at: 0) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int32(2), at: 23) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int32(0), at: 57) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int16(1 << 5), at: 21) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int16(1 << 4), at: 21) } == .invalidRecord)
        #expect(try refusal { $0.setInteger(Int16(5), at: 21) } == .unsupportedCompressionType)
        #expect(try refusal { $0.setInteger(Int64(5), at: 43) } == .invalidRecord)
    }

    @Test("sizes have limits")
    func sizes() throws {
        let size = try makeBatch(["a", "b"]).readableBytes
        var configuration = LogConfiguration()
        configuration.maxMessageBytes = size
        #expect(try refusal(configuration) { _ in } == nil)
        configuration.maxMessageBytes = size - 1
        #expect(try refusal(configuration) { _ in } == .messageTooLarge)
        configuration = smallSegments(size - 1)
        #expect(try refusal(configuration) { _ in } == .recordListTooLarge)
    }

    @Test("a compacted topic takes no record without a key")
    func keys() throws {
        var configuration = LogConfiguration()
        configuration.isCompacted = true
        let log = try open(configuration)
        for compression in [Compression.none, .gzip, .zstd] {
            #expect(
                logError { _ = try log.append(makeBatch(["a"], compression: compression, key: nil)) }?.errorCode
                    == .invalidRecord)
            _ = try log.append(makeBatch(["a"], compression: compression))
        }
    }

    @Test("several plain batches may come together, compressed ones not")
    func severalBatches() throws {
        let log = try open()
        var plain = try makeBatch(["a", "b"])
        plain.writeImmutableBuffer(try makeBatch(["c"]))
        #expect(try log.append(plain) == AppendResult(baseOffset: 0, lastOffset: 2))
        var compressed = try makeBatch(["a"], compression: .lz4)
        compressed.writeImmutableBuffer(try makeBatch(["b"], compression: .lz4))
        #expect(logError { _ = try log.append(compressed) }?.errorCode == .invalidRecord)
        try log.flush()
        #expect(try records(log) == reads(["a", "b", "c"]))
    }

    @Test("a record set that begins anywhere in a larger buffer is written alone")
    func slices() throws {
        let log = try open()
        var frame = ByteBuffer(string: "before")
        let batch = try makeBatch(["a"])
        frame.writeImmutableBuffer(batch)
        frame.writeString("after")
        let slice = try #require(frame.getSlice(at: 6, length: batch.readableBytes))
        frame.moveReaderIndex(forwardBy: 6)
        let next = frame.readSlice(length: batch.readableBytes)
        let moved = try #require(next)
        _ = try log.append(slice)
        _ = try log.append(moved)
        try log.flush()
        #expect(try records(log) == reads(["a", "a"]))
    }

    @Test("the broker itself may write control batches")
    func coordinator() throws {
        let log = try open()
        var builder = RecordBatchBuilder(producerID: 1, producerEpoch: 0, isControl: true)
        builder.append(timestamp: 1, key: ByteBuffer(integer: Int32(0)), value: nil)
        _ = try log.append(builder.build(), origin: .coordinator)
        #expect(log.logEndOffset == 1)
    }
}
