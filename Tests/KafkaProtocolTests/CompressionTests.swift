import KafkaProtocol
import NIOCore
import Testing

@Suite("Compression")
struct CompressionTests {
    static let codecs: [Compression] = [.gzip, .snappy, .lz4, .zstd]

    static func noise(_ count: Int) -> ByteBuffer {
        var random = SplitMix64(state: UInt64(count))
        return ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    @Test("What was compressed decompresses to itself, whatever its size", arguments: Compression.allCases)
    func roundTrip(_ codec: Compression) throws {
        for size in [0, 1, 100, 4095, 4096, 4097, 32_768, 70_000, 200_000] {
            for input in [ByteBuffer(repeating: 97, count: size), Self.noise(size)] {
                let compressed = try codec.compress(input)
                #expect(try codec.decompress(compressed, limit: size) == input, "\(size)")
            }
        }
    }

    @Test("A bomb is refused at the limit", arguments: codecs)
    func bomb(_ codec: Compression) throws {
        let bomb = try codec.compress(ByteBuffer(repeating: 0, count: 8 << 20))
        let error = #expect(throws: ProtocolError.self) { try codec.decompress(bomb, limit: 1 << 20) }
        #expect(error?.code == .tooLarge)
    }

    @Test("One byte more than the limit is refused, the limit itself is not", arguments: Compression.allCases)
    func limit(_ codec: Compression) throws {
        let compressed = try codec.compress(Self.noise(10_000))
        #expect(try codec.decompress(compressed, limit: 10_000).readableBytes == 10_000)
        #expect(throws: ProtocolError.self) { try codec.decompress(compressed, limit: 9_999) }
        #expect(throws: ProtocolError.self) { try codec.decompress(compressed, limit: 0) }
        #expect(throws: ProtocolError.self) { try codec.decompress(compressed, limit: -1) }
        #expect(try codec.decompress(compressed, limit: .max).readableBytes == 10_000)
    }

    @Test("Input cut at any byte is refused", arguments: codecs)
    func truncation(_ codec: Compression) throws {
        let compressed = try codec.compress(ByteBuffer(string: String(repeating: "tidings ", count: 300)))
        for length in 0..<compressed.readableBytes {
            // The framing of Snappy may end after any block, so also after its header.
            if codec == .snappy, length == 16 { continue }
            let cut = try #require(compressed.getSlice(at: 0, length: length))
            #expect(throws: ProtocolError.self, "\(length)") { try codec.decompress(cut, limit: 1 << 20) }
        }
    }

    @Test("Random input never traps", arguments: codecs)
    func randomInput(_ codec: Compression) {
        let seed: UInt64 = 99
        print("seed \(seed)")
        var random = SplitMix64(state: seed)
        for _ in 0..<2000 {
            let size = Int.random(in: 0..<64, using: &random)
            let input = ByteBuffer(bytes: (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) })
            _ = try? codec.decompress(input, limit: 1 << 16)
        }
    }

    @Test("A Snappy block that claims more than the format can hold is refused without allocating")
    func snappyLie() {
        // 4 GiB less one, from six bytes.
        let block = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00])
        let error = #expect(throws: ProtocolError.self) { try Compression.snappy.decompress(block, limit: .max) }
        #expect(error?.code == .corrupt)
    }

    @Test("Members of a gzip file and frames of the others come one after the other", arguments: codecs)
    func concatenation(_ codec: Compression) throws {
        var both = try codec.compress(ByteBuffer(string: "events "))
        var second = try codec.compress(ByteBuffer(string: "with Kafka"))
        if codec == .snappy { second.moveReaderIndex(forwardBy: 16) }
        both.writeImmutableBuffer(second)
        #expect(try codec.decompress(both, limit: 100) == ByteBuffer(string: "events with Kafka"))
    }
}
