import KafkaProtocol
import NIOCore
import Testing

@Suite("Batches of real clients")
struct ClientBatchTests {
    struct ClientBatch: Sendable, CustomTestStringConvertible {
        let client: Substring
        let codec: Substring
        let bytes: ByteBuffer
        var testDescription: String { "\(client) \(codec)" }

        static let all: [ClientBatch] = lines(of: "batches").map { line in
            let parts = line.split(separator: " ")
            return ClientBatch(client: parts[0], codec: parts[1], bytes: KafkaProtocolTests.bytes(hex: parts[2]))
        }
    }

    /// As Golden/make_batches.py says.
    static let records: [Record] = (0..<10).map { i in
        Record(
            offset: Int64(i), timestamp: 1_700_000_000_000 + Int64(i * i),
            key: i % 3 == 0 ? nil : ByteBuffer(string: "key-\(i)"),
            value: i % 4 == 0 ? nil : ByteBuffer(string: String(repeating: "value-\(i) ", count: i * 20)),
            headers: i % 2 == 0
                ? [] : [RecordHeader("index", ByteBuffer(string: "\(i)")), RecordHeader("empty", nil)])
    }

    @Test("Both clients are there in every codec")
    func coverage() {
        #expect(Set(ClientBatch.all.map(\.testDescription)).count == 10)
        #expect(Set(ClientBatch.all.map(\.codec)) == Set(Compression.allCases.map { Substring($0.name) }))
    }

    @Test("Header, checksum and records are read as the client meant them", arguments: ClientBatch.all)
    func reading(_ batch: ClientBatch) throws {
        let header = try RecordBatchHeader(parsing: batch.bytes)
        #expect(header.totalSize == batch.bytes.readableBytes)
        #expect(header.isChecksumValid(in: batch.bytes))
        #expect(header.compression?.name == String(batch.codec))
        #expect(header.recordCount == 10)
        #expect(header.lastOffset == 9)
        #expect(header.baseTimestamp == 1_700_000_000_000)
        #expect(header.maxTimestamp == 1_700_000_000_081)
        if batch.client == "aiokafka" {
            #expect(header.producerID == 77)
            #expect(header.producerEpoch == 3)
            #expect(header.baseSequence == 40)
            #expect(header.lastSequence == 49)
        } else {
            #expect(header.hasProducerID)
        }
        #expect(try RecordBatchTests.read(batch.bytes) == Self.records)
    }

    @Test("An uncompressed batch is built byte for byte as aiokafka builds it")
    func building() throws {
        var builder = RecordBatchBuilder(producerID: 77, producerEpoch: 3, baseSequence: 40)
        for record in Self.records { try builder.append(record) }
        let golden = try #require(ClientBatch.all.first { $0.testDescription == "aiokafka none" })
        #expect(hex(try builder.build()) == hex(golden.bytes))
    }

    @Test("Changed bytes are refused or read as something else, and never trap", arguments: ClientBatch.all)
    func damage(_ batch: ClientBatch) throws {
        let seed: UInt64 = 7_001
        print("seed \(seed)")
        var random = SplitMix64(state: seed)
        for _ in 0..<300 {
            var damaged = batch.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<damaged.readableBytes, using: &random)
                damaged.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
            }
            _ = try? RecordBatchTests.read(damaged, limit: 1 << 20)
        }
    }

    @Test("A batch cut anywhere is refused", arguments: ClientBatch.all)
    func truncation(_ batch: ClientBatch) throws {
        for length in stride(from: 0, to: batch.bytes.readableBytes, by: 7) {
            let cut = try #require(batch.bytes.getSlice(at: 0, length: length))
            #expect(throws: ProtocolError.self) { try RecordBatchTests.read(cut) }
        }
    }
}
