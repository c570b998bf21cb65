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

    @Test("A delete horizon takes the place of the base timestamp, and the records keep their own times")
    func deleteHorizon() throws {
        var builder = RecordBatchBuilder(baseOffset: 5, deleteHorizon: 9_000)
        builder.append(timestamp: 1_000, key: ByteBuffer(string: "a"), value: nil)
        builder.append(timestamp: 2_000, key: ByteBuffer(string: "b"), value: nil)
        let batch = try builder.build()
        let header = try RecordBatchHeader(parsing: batch)
        #expect(header.hasDeleteHorizon)
        #expect(header.baseTimestamp == 9_000)
        #expect(header.maxTimestamp == 2_000)
        #expect(try Self.read(batch).map(\.timestamp) == [1_000, 2_000])
    }

    @Test(
        "A batch emptied by compaction keeps its offsets and its producer's sequence", arguments: Compression.allCases)
    func emptied(_ compression: Compression) throws {
        var builder = RecordBatchBuilder(
            compression: compression, baseOffset: 40, producerID: 7, producerEpoch: 1, baseSequence: 90)
        builder.header.lastOffsetDelta = 9
        let batch = try builder.build()
        let header = try RecordBatchHeader(parsing: batch)
        #expect(batch.readableBytes == RecordBatchHeader.size)
        #expect(header.isChecksumValid(in: batch))
        #expect(header.lastOffset == 49)
        #expect(header.lastSequence == 99)
        #expect(try Self.read(batch).isEmpty)
    }

    @Test("Offsets may have gaps but must rise, and stay within 2^31 of the first")
    func sparseOffsets() throws {
        var builder = RecordBatchBuilder(baseOffset: 100)
        try builder.append(Record(offset: 103))
        try builder.append(Record(offset: 110))
        for offset in [Int64(99), 110, 100 + (1 << 31), .min] {
            #expect(throws: ProtocolError.self) { try builder.append(Record(offset: offset)) }
        }
        let batch = try builder.build()
        #expect(try Self.read(batch).map(\.offset) == [103, 110])
        #expect(try RecordBatchHeader(parsing: batch).lastOffset == 110)
    }

    @Test("Sequences wrap from the largest to zero")
    func sequenceWrap() {
        let header = RecordBatchHeader(lastOffsetDelta: 3, producerID: 1, producerEpoch: 0, baseSequence: .max - 1)
        #expect(header.lastSequence == 1)
        #expect(RecordBatchHeader(lastOffsetDelta: 3).lastSequence == -1)
    }

    @Test("Another magic, a length too short and a negative count are told apart")
    func headerFaults() throws {
        let (batch, _) = try Self.sample(.none, count: 2)
        for (index, value, code) in [
            (16, UInt8(1), ProtocolError.Code.unsupportedMagic), (8, 0xFF, .malformed), (57, 0xFF, .malformed),
            (23, 0x80, .malformed),
        ] {
            var damaged = batch
            damaged.setInteger(value, at: index)
            let error = #expect(throws: ProtocolError.self) { try RecordBatchHeader(parsing: damaged) }
            #expect(error?.code == code)
        }
    }

    @Test("More records than there are bytes for are refused before anything is allocated")
    func lyingRecordCount() throws {
        var (batch, _) = try Self.sample(.none, count: 2)
        batch.setInteger(Int32.max, at: 57)
        #expect(throws: ProtocolError.self) { try RecordBatchReader(batch, decompressionLimit: 1 << 20) }
    }
}
