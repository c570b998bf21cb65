import KafkaLog
import KafkaProtocol
import Testing

@testable import KafkaBroker

@Suite("The groups' log")
struct GroupLogTests {
    @Test("keeps what it acknowledged over a power cut, however relaxed topics are, also if it was made earlier")
    func ignoresRelaxedFlushing() async throws {
        let files = SimulatedFileSystem(seed: 5)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.commit(["t": [0: 1]], group: "g") == [.none])
            try broker.configuration.set("log.flush.interval.messages", to: "1000")
            try await broker.restart()
            let relaxed = try await broker.connect()
            #expect(try await relaxed.commit(["t": [0: 2]], group: "g") == [.none])
            files.cutPower()
            try? await broker.stop()
            try await broker.start()
            let again = try await broker.connect()
            #expect(try await again.offsets("t", [0], group: "g", version: 7) == [2])
        }
    }

    @Test("takes records that are larger than the segments of topics")
    func ignoresSegmentSize() async throws {
        let shrink: (inout BrokerConfiguration) throws -> Void = { try $0.set("log.segment.bytes", to: "1024") }
        try await withTestBroker(shrink, files: SimulatedFileSystem(seed: 5)) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let note = String(repeating: "n", count: 4000)
            #expect(try await client.commit(["t": [0: 1]], group: "g", metadata: note) == [.none])
        }
    }
}
