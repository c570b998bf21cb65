import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("What was acknowledged")
struct DurabilityTests {
    @Test("survives a power cut at any moment of a load, and nothing comes back that was refused", arguments: 1...12)
    func survivesPowerCut(seed: UInt64) async throws {
        let files = SimulatedFileSystem(seed: seed, writeOrder: seed % 2 == 0 ? .kept : .any)
        var random = SplitMix(state: seed)
        let rounds = Int(random.next() % 12) + 3
        var acknowledged: [String] = []
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            for number in 0..<rounds {
                // Several requests at a time, so that appends share a sync.
                for part in 0..<4 {
                    let request = produceRequest(records(["\(number)-\(part)"]), to: "t")
                    try await client.write(request, version: 9, correlationID: Int32(part))
                }
                for part in 0..<4 {
                    let answer = try await client.receive(
                        ProduceRequest.self, version: 9, correlationID: Int32(part))
                    #expect(answer.responses.first?.partitionResponses.first?.errorCode == ErrorCode.none)
                    acknowledged.append("\(number)-\(part)")
                }
            }
            files.cutPower()
            // The stop finds its files gone; what counts is what the next start finds.
            try? await broker.stop()
            try await broker.start()
            let again = try await broker.connect()
            let found = try values(in: try await again.fetch("t").records)
            #expect(found == acknowledged, "seed \(seed)")
        }
    }

    @Test("is not acknowledged when the sync fails, and the log takes no more until it is opened anew")
    func refusesAfterFailedSync() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            #expect(try await client.produce(["a"], to: "t").errorCode == ErrorCode.none)
            files.failSyncs(.next)
            #expect(try await client.produce(["b"], to: "t").errorCode == .kafkaStorageError)
            #expect(try await client.produce(["c"], to: "t").errorCode == .kafkaStorageError)
            #expect(try values(in: try await client.fetch("t").records) == ["a"])
            #expect(try await client.produce(["d"], to: "t", partition: 1).errorCode == ErrorCode.none)
            try await broker.restart()
            let again = try await broker.connect()
            #expect(try values(in: try await again.fetch("t").records).prefix(1) == ["a"])
            #expect(try await again.produce(["e"], to: "t").errorCode == ErrorCode.none)
        }
    }

    @Test("stays when the disk is full: the request fails, the log goes on when there is space")
    func survivesFullDisk() async throws {
        let files = SimulatedFileSystem(seed: 1, capacity: 64_000)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let large = String(repeating: "x", count: 10_000)
            var stored = 0
            while try await client.produce([large], to: "t").errorCode == .none { stored += 1 }
            #expect(stored > 0)
            #expect(try await client.produce([large], to: "t").errorCode == .kafkaStorageError)
            #expect(try await client.produce(["small"], to: "t").errorCode == ErrorCode.none)
            let found = try values(in: try await client.fetch("t").records)
            #expect(found.count == stored + 1)
            #expect(found.last == "small")
        }
    }

    @Test("is grouped: requests that come together share a sync")
    func groupsCommits() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let before = files.syncs
            let count: Int32 = 200
            var bytes = ByteBuffer()
            for number in 0..<count {
                try produceRequest(records(["\(number)"]), to: "t")
                    .encodeFrame(version: 9, correlationID: number, clientID: nil, into: &bytes)
            }
            try await client.channel.writeAndFlush(bytes)
            for number in 0..<count {
                let answer = try await client.receive(ProduceRequest.self, version: 9, correlationID: number)
                #expect(answer.responses.first?.partitionResponses.first?.baseOffset == Int64(number))
            }
            #expect(files.syncs - before < Int(count) / 2)
        }
    }

    @Test("weaker modes have names: log.flush.interval.messages leaves the sync to the system")
    func hasWeakerModes() async throws {
        let files = SimulatedFileSystem(seed: 1)
        func weaken(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("log.flush.interval.messages", to: "1000")
        }
        try await withTestBroker(weaken, files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let before = files.syncs
            for number in 0..<20 { _ = try await client.produce(["\(number)"], to: "t") }
            #expect(files.syncs == before)
            #expect(try await client.fetch("t").highWatermark == 20)
        }
    }
}
