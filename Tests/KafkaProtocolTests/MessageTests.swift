import Glibc
import KafkaProtocol
import NIOCore
import Testing

@Suite("Messages")
struct MessageTests {
    @Test("Every message is in the golden file at every version it is described for")
    func coverage() {
        for message in AnyMessage.all {
            let versions = Set(GoldenMessage.all.filter { $0.name == message.name }.map(\.version))
            #expect(versions == Set(message.versions), "\(message.name)")
        }
    }

    @Test("Bytes of an independent implementation decode to the same fields and encode to the same bytes")
    func golden() throws {
        for golden in GoldenMessage.all {
            let message = try #require(golden.message)
            var buffer = golden.bytes
            let decoded = try message.decode(golden.version, &buffer)
            #expect(buffer.readableBytes == 0, "\(golden.testDescription)")
            #expect(canonical(decoded) == golden.fields, "\(golden.testDescription)")
            #expect(hex(try decoded.encoded(golden.version)) == hex(golden.bytes), "\(golden.testDescription)")
        }
    }

    @Test("A message cut at any byte is refused, and the reader stays where it was")
    func truncation() throws {
        for golden in GoldenMessage.all {
            let message = try #require(golden.message)
            for length in 0..<golden.bytes.readableBytes {
                var cut = try #require(golden.bytes.getSlice(at: 0, length: length))
                #expect(throws: ProtocolError.self, "\(golden.testDescription) cut at \(length)") {
                    try message.decode(golden.version, &cut)
                }
                #expect(cut.readerIndex == 0)
            }
        }
    }

    @Test("Tagged fields of a newer writer are skipped")
    func unknownTags() throws {
        for golden in GoldenMessage.all {
            let message = try #require(golden.message)
            let key = try #require(Self.apiKey(message))
            // The last byte counts the tagged fields of the message itself; without any field set it is 0.
            guard key.isFlexible(in: golden.version), !golden.isFull else { continue }
            let last = golden.bytes.writerIndex - 1
            #expect(golden.bytes.getInteger(at: last, as: UInt8.self) == 0)
            var known = golden.bytes
            let decoded = try message.decode(golden.version, &known)
            var extended = golden.bytes
            extended.setInteger(UInt8(2), at: last)
            extended.writeBytes([0x60, 0x03, 1, 2, 3, 0xE8, 0x07, 0x00])
            #expect(canonical(try message.decode(golden.version, &extended)) == canonical(decoded))
            #expect(extended.readableBytes == 0)
        }
    }

    private static func apiKey(_ message: AnyMessage) -> APIKey? {
        let name = message.name.replacing("Request", with: "").replacing("Response", with: "")
        return (0..<100).map { APIKey(rawValue: $0) }.first { $0.name == name }
    }

    /// How much longer the seeded sweeps take under `make prove`, on other seeds.
    static let seeds: [UInt64] = getenv("TIDINGS_PROVE") == nil ? [20_261_124] : (1...20).map { $0 * 7_919 }

    @Test("Random bytes never trap a decoder", arguments: seeds)
    func randomBytes(seed: UInt64) {
        print("seed \(seed)")
        var random = SplitMix64(state: seed)
        for message in AnyMessage.all {
            for version in message.versions {
                for _ in 0..<100 {
                    // Half of them small, so that lengths and counts are often believable.
                    let bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                        UInt8.random(in: 0...(Bool.random(using: &random) ? 3 : 255), using: &random)
                    }
                    var buffer = ByteBuffer(bytes: bytes)
                    if let decoded = try? message.decode(version, &buffer) { _ = try? decoded.encoded(version) }
                }
            }
        }
    }

    @Test("Messages with changed bytes never trap a decoder", arguments: seeds)
    func changedBytes(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SplitMix64(state: seed)
        for golden in GoldenMessage.all where golden.bytes.readableBytes > 0 {
            let message = try #require(golden.message)
            for _ in 0..<30 {
                var buffer = golden.bytes
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let index = Int.random(in: 0..<buffer.readableBytes, using: &random)
                    buffer.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
                }
                if let decoded = try? message.decode(golden.version, &buffer) {
                    _ = try? decoded.encoded(golden.version)
                }
            }
        }
    }

    @Test("A version that is not described is refused both ways, and leaves the buffer alone")
    func unknownVersion() {
        var buffer = ByteBuffer(string: "x")
        #expect(throws: ProtocolError.self) { try FetchRequest().encode(version: 3, into: &buffer) }
        #expect(throws: ProtocolError.self) { try FetchRequest.decode(version: 18, from: &buffer) }
        #expect(buffer == ByteBuffer(string: "x"))
    }

    @Test("Counts and lengths beyond the bytes at hand are refused before anything is allocated")
    func lyingCounts() {
        var topics = ByteBuffer(bytes: [0x7F, 0xFF, 0xFF, 0xFF, 0, 0])
        #expect(throws: ProtocolError.self) { try MetadataRequest.decode(version: 1, from: &topics) }
        var negative = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFE])
        #expect(throws: ProtocolError.self) { try MetadataRequest.decode(version: 1, from: &negative) }
        var compact = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0])
        #expect(throws: ProtocolError.self) { try MetadataRequest.decode(version: 9, from: &compact) }
        var tag = ByteBuffer(bytes: [0x01, 0x01, 0x01, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00])
        #expect(throws: ProtocolError.self) { try ApiVersionsRequest.decode(version: 3, from: &tag) }
    }

    @Test("A message that asks for more elements than allowed is refused")
    func elementLimit() throws {
        let request = MetadataRequest { $0.topics = (0..<100).map { index in .init { $0.name = "t\(index)" } } }
        var buffer = try request.encoded(12)
        let whole = buffer
        #expect(throws: ProtocolError.self) { try MetadataRequest.decode(version: 12, from: &buffer, elementLimit: 99) }
        #expect(buffer == whole)
        #expect(try MetadataRequest.decode(version: 12, from: &buffer, elementLimit: 100) == request)
    }

    @Test("Null where the version has none is refused both ways")
    func nullNotAllowed() {
        var buffer = ByteBuffer()
        #expect(throws: ProtocolError.self) {
            try MetadataRequest { $0.topics = nil }.encode(version: 0, into: &buffer)
        }
        #expect(buffer.readableBytes == 0)
        var null = ByteBuffer(bytes: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: ProtocolError.self) { try MetadataRequest.decode(version: 0, from: &null) }
    }

    @Test("Text that is not UTF-8, and text too long for its length field, is refused")
    func text() {
        var invalid = ByteBuffer(bytes: [0x00, 0x02, 0xC3, 0x28, 0, 0, 0, 0, 0, 0])
        #expect(throws: ProtocolError.self) { try HeartbeatRequest.decode(version: 0, from: &invalid) }
        var buffer = ByteBuffer()
        let long = HeartbeatRequest { $0.groupID = String(repeating: "g", count: 32_768) }
        #expect(throws: ProtocolError.self) { try long.encode(version: 0, into: &buffer) }
    }

    @Test("Produced records are a slice of the frame, not a copy")
    func zeroCopy() throws {
        let records = ByteBuffer(repeating: 7, count: 5000)
        let request = ProduceRequest {
            $0.topicData = [.init { $0.partitionData = [.init { $0.records = records }] }]
        }
        let frame = try request.encoded(9)
        var body = frame
        let decoded = try ProduceRequest.decode(version: 9, from: &body)
        let slice = try #require(decoded.topicData[0].partitionData[0].records)
        let outer = frame.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        let inner = slice.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(slice == records)
        #expect(inner > outer && inner < outer + 5100)
    }
}

/// A small seeded generator.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
