import KafkaProtocol
import NIOCore
import Testing

@Suite("Headers and frames")
struct HeaderTests {
    @Test("A request header has tagged fields from the first flexible version on, and always a plain client id")
    func requestHeader() throws {
        for (version, expected) in [
            (Int16(8), "0003000800000007000473686f70"), (9, "0003000900000007000473686f7000"),
        ] {
            let header = RequestHeader(apiKey: .metadata, apiVersion: version, correlationID: 7, clientID: "shop")
            var buffer = ByteBuffer()
            try header.encode(into: &buffer)
            #expect(hex(buffer) == expected)
            #expect(try RequestHeader.decode(from: &buffer) == header)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test("A client id may be null, and a header of an unknown API is still read")
    func unknownAPI() throws {
        let header = RequestHeader(apiKey: APIKey(rawValue: 999), apiVersion: 3, correlationID: -1, clientID: nil)
        var buffer = ByteBuffer()
        try header.encode(into: &buffer)
        #expect(try RequestHeader.decode(from: &buffer) == header)
        #expect(header.apiKey.name == "API_999")
    }

    @Test("A request header cut at any byte is refused")
    func truncation() throws {
        var buffer = ByteBuffer()
        try RequestHeader(apiKey: .fetch, apiVersion: 12, correlationID: 1, clientID: "c").encode(into: &buffer)
        for length in 0..<buffer.readableBytes {
            var cut = try #require(buffer.getSlice(at: 0, length: length))
            #expect(throws: ProtocolError.self) { try RequestHeader.decode(from: &cut) }
            #expect(cut.readerIndex == 0)
        }
    }

    @Test("The header of an ApiVersions response never has tagged fields, that of other flexible ones has")
    func responseHeader() throws {
        for (key, version, expected) in [
            (APIKey.apiVersions, Int16(4), "00000009"), (.metadata, 8, "00000009"), (.metadata, 9, "0000000900"),
        ] {
            var buffer = ByteBuffer()
            ResponseHeader(correlationID: 9).encode(apiKey: key, apiVersion: version, into: &buffer)
            #expect(hex(buffer) == expected)
            let decoded = try ResponseHeader.decode(apiKey: key, apiVersion: version, from: &buffer)
            #expect(decoded.correlationID == 9)
            #expect(buffer.readableBytes == 0)
        }
    }

    @Test("A frame begins with the length of what follows, and an error leaves nothing behind")
    func frames() throws {
        var buffer = ByteBuffer(string: "before")
        try HeartbeatResponse { $0.errorCode = .rebalanceInProgress }
            .encodeFrame(version: 4, correlationID: 5, into: &buffer)
        #expect(hex(buffer).hasSuffix("0000000c" + "0000000500" + "00000000" + "001b" + "00"))
        let whole = buffer
        #expect(throws: ProtocolError.self) {
            try MetadataRequest { $0.topics = nil }
                .encodeFrame(version: 0, correlationID: 5, clientID: nil, into: &buffer)
        }
        #expect(buffer == whole)
    }
}

@Suite("Names and identifiers")
struct NameTests {
    @Test("Error codes carry Kafka's names and what its clients retry; unknown ones keep their number")
    func errorCodes() {
        #expect(ErrorCode.notLeaderOrFollower.rawValue == 6)
        #expect(ErrorCode.notLeaderOrFollower.name == "NOT_LEADER_OR_FOLLOWER")
        #expect(ErrorCode.notLeaderOrFollower.isRetriable)
        #expect(ErrorCode.unknownServerError.rawValue == -1)
        #expect(!ErrorCode.offsetOutOfRange.isRetriable)
        #expect(ErrorCode(rawValue: 4711).name == "ERROR_4711")
    }

    @Test("Every described message has an API key of its own, with the flexible versions of its golden bytes")
    func apiKeys() {
        let requests = AnyMessage.all.filter { $0.name.hasSuffix("Request") }
        #expect(Set(requests.map(\.name)).count == requests.count)
        #expect(APIKey.produce.firstFlexibleVersion == 9)
        #expect(APIKey.saslHandshake.firstFlexibleVersion == nil)
        #expect(!APIKey(rawValue: -1).isFlexible(in: 100))
    }

    @Test("An identifier is written as Kafka's tools write it, and read again")
    func uuid() throws {
        let id = KafkaUUID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        #expect(id.description == "ABEiM0RVZneImaq7zN3u_w")
        #expect(KafkaUUID(id.description) == id)
        #expect(KafkaUUID.zero.description == "AAAAAAAAAAAAAAAAAAAAAA")
        for wrong in [
            "", "ABEiM0RVZneImaq7zN3u_", "ABEiM0RVZneImaq7zN3u_ww", "ABEiM0RVZneImaq7zN3u_x", "!BEiM0RVZneImaq7zN3u_w",
        ] {
            #expect(KafkaUUID(wrong) == nil)
        }
        var random = SplitMix64(state: 5)
        for _ in 0..<1000 {
            let id = KafkaUUID.random(using: &random)
            #expect(KafkaUUID(id.description) == id)
            #expect(!id.description.hasPrefix("-"))
        }
    }
}
