import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("A topic's life")
struct TopicLifeTests {
    @Test("a creation that fails leaves nothing behind, neither files nor names", arguments: 0...40)
    func failsWhole(room: Int) async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("first")
            files.capacity = files.bytesUsed + room * 20
            let answer = try await client.create("t", partitions: 3, configs: ["segment.bytes": "65536"])
            files.capacity = nil
            guard answer.errorCode != .none else { return }
            #expect(answer.errorCode == .kafkaStorageError)
            #expect(try files.list("/data").filter { $0.hasPrefix("t-") } == [])
            #expect(try await client.create("t", partitions: 3).errorCode == .none)
            #expect(try files.list("/data").filter { $0.hasSuffix(".stray") } == [])
        }
    }

    @Test("the longest name can be made, written, deleted and made again")
    func takesTheLongestName() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let name = String(repeating: "n", count: TopicName.maxLength)
            for _ in 0..<2 {
                #expect(try await client.create(name, partitions: 12).errorCode == .none)
                #expect(try await client.produce(["a"], to: name, partition: 11).baseOffset == 0)
                let request = DeleteTopicsRequest { $0.topicNames = [name] }
                #expect(try await client.send(request, version: 5).responses.map(\.errorCode) == [.none])
            }
            try await broker.restart()
            let left = try PosixFileSystem().list(broker.configuration.dataDirectory)
            #expect(left.filter { $0.hasPrefix("n") } == [])
        }
    }

    @Test("what groups committed for a deleted topic is never met by its successor, also after a kill between")
    func neverMeetsOldOffsets() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            for topic in ["gone", "again", "stays"] {
                try await client.create(topic)
                #expect(try await client.commit([topic: [0: 5]], group: "g") == [.none])
            }
            try await broker.stop()
            // The removal is durable, and the broker is killed before the groups are told.
            let metadata = try MetadataStore(directory: "/data", files: files)
            try metadata.update { image in
                image.topics.removeAll { $0.name == "gone" || $0.name == "again" }
                image.topics.append(
                    MetadataImage.Topic(name: "again", id: .random(), partitions: 1, configuration: [:]))
            }
            try await broker.start()
            let again = try await broker.connect()
            #expect(try await again.offsets("again", [0], group: "g", version: 7) == [-1])
            #expect(try await again.offsets("stays", [0], group: "g", version: 7) == [5])
            try await again.create("gone")
            #expect(try await again.offsets("gone", [0], group: "g", version: 7) == [-1])
            try await broker.restart()
            let last = try await broker.connect()
            #expect(try await last.offsets("gone", [0], group: "g", version: 7) == [-1])
            #expect(try await last.offsets("stays", [0], group: "g", version: 7) == [5])
        }
    }
}
