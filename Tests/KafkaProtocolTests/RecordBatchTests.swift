import KafkaProtocol
import NIOCore
import Testing

@Suite("Record batches")
struct RecordBatchTests {
    static func sample(_ compression: Compression, count: Int = 50) throws -> (batch: ByteBuffer, records: [Record]) {
        var builder = RecordBatchBuilder(
            compression: compression, baseOffset: 1000, producerID: 7, producerEpoch: 3, baseSequence: 20)
        var records: [Record] = []
        for index in 0..<count {
            let record = Record(
                offset: 1000 + Int64(index), timestamp: 1_700_000_000_000 + Int64(index % 7) - 3,
                key: index % 3 == 0 ? nil : ByteBuffer(string: "key-\(index)"),
                value: index % 5 == 0 ? nil : ByteBuffer(repeating: UInt8(index), count: index * 11),
                headers: index % 4 == 0
                    ? [] : [RecordHeader("a", ByteBuffer(string: "x")), RecordHeader("ü", nil), RecordHeader("a", nil)])
            try builder.append(record)
            records.append(record)
        }
        return (try builder.build(), records)
    }

    static func read(_ batch: ByteBuffer, limit: Int = 1 << 20) throws -> [Record] {
        var reader = try RecordBatchReader(batch, decompressionLimit: limit)
        var records: [Record] = []
        while let record = try reader.next() { records.append(record) }
        return records
    }

    @Test("What was built is read again in every codec", arguments: Compression.allCases)
    func roundTrip(_ compression: Compression) throws {
        let (batch, records) = try Self.sample(compression)
        #expect(try Self.read(batch) == records)

        let header = try RecordBatchHeader(parsing: batch)
        #expect(header.totalSize == batch.readableBytes)
        #expect(header.compression == compression)
        #expect(header.recordCount == 50)
        #expect(header.lastOffset == 1049)
        #expect(header.lastSequence == 69)
        #expect(header.maxTimestamp == 1_700_000_000_003)
        #expect(header.isChecksumValid(in: batch))
    }

    @Test("Offset and leader epoch are patched in place without touching the checksum")
    func patching() throws {
        var (batch, _) = try Self.sample(.lz4)
        RecordBatchHeader.setBaseOffset(77, in: &batch, at: 0)
        RecordBatchHeader.setPartitionLeaderEpoch(5, in: &batch, at: 0)
        let header = try RecordBatchHeader(parsing: batch)
        #expect(header.baseOffset == 77)
        #expect(header.partitionLeaderEpoch == 5)
        #expect(header.isChecksumValid(in: batch))
        #expect(try Self.read(batch).first?.offset == 77)
    }

    @Test("Log append time becomes the time of every record, under a new checksum")
    func logAppendTime() throws {
        var (batch, _) = try Self.sample(.none)
        try RecordBatchHeader.setLogAppendTime(42, in: &batch, at: 0)
        let header = try RecordBatchHeader(parsing: batch)
        #expect(header.timestampType == .logAppendTime)
        #expect(header.isChecksumValid(in: batch))
        #expect(try Self.read(batch).allSatisfy { $0.timestamp == 42 })
    }

    @Test("One changed byte from the attributes on shows in the checksum")
    func checksumSeesChange() throws {
        let (batch, _) = try Self.sample(.none, count: 3)
        let header = try RecordBatchHeader(parsing: batch)
        for index in 21..<batch.readableBytes {
            var damaged = batch
            damaged.setInteger(damaged.getInteger(at: index, as: UInt8.self)! ^ 0x40, at: index)
            #expect(!header.isChecksumValid(in: damaged))
        }
    }

    @Test("A batch cut anywhere is refused, in every codec", arguments: Compression.allCases)
    func truncation(_ compression: Compression) throws {
        let (batch, _) = try Self.sample(compression, count: 5)
        for length in 0..<batch.readableBytes {
            #expect(throws: ProtocolError.self) { try Self.read(batch.getSlice(at: 0, length: length)!) }
        }
    }

    @Test("Batches of a record set come one by one; a cut one at the end is left over")
    func recordSet() throws {
        var set = try Self.sample(.none).batch
        set.writeImmutableBuffer(try Self.sample(.gzip).batch)
        let cut = try Self.sample(.snappy).batch.getSlice(at: 0, length: 70)!
        set.writeImmutableBuffer(cut)
        var batches = RecordBatches(set)
        #expect(try batches.next()?.header.compression == Compression.none)
        #expect(try batches.next()?.header.compression == .gzip)
        #expect(throws: ProtocolError.self) { try batches.next() }
        #expect(batches.remaining == cut)
    }
}
