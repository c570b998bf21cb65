import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Cleaner", .timeLimit(.minutes(1)))
struct CleanerTests {
    static let compacted = [
        "cleanup.policy": "compact", "segment.bytes": "1024", "segment.ms": "20", "min.cleanable.dirty.ratio": "0",
    ]

    func keyed(_ key: String, _ value: String?) throws -> ByteBuffer {
        var builder = RecordBatchBuilder()
        builder.append(
            timestamp: 1_700_000_000_000, key: ByteBuffer(string: key), value: value.map { ByteBuffer(string: $0) })
        return try builder.build()
    }

    @Test("a compacted topic keeps the newest of each key, also of a segment that nobody appends to any more")
    func compacts() async throws {
        try await withTestBroker({ $0.cleanerBackoff = 10 }) { broker in
            let client = try await broker.connect()
            let created = try await client.create("t", configs: Self.compacted)
            #expect(created.errorCode == .none)
            for round in 0..<30 {
                for key in 0..<3 { _ = try await client.produce(keyed("k\(key)", "\(round)"), to: "t") }
            }
            var found: [String] = []
            while found != ["29", "29", "29"] {
                // Waits in the broker for more than there is, so that this does not spin.
                let end = try await client.fetch("t", from: 90, maxWaitMs: 20, minBytes: 1)
                #expect(end.highWatermark == 90)
                found = try await everything(in: "t", client)
            }
            #expect(!broker.messages.contains { $0.contains("no effect") })
            try await broker.restart()
            let again = try await broker.connect()
            #expect(try await everything(in: "t", again) == found)
        }
    }

    /// All values of a topic's partition; one fetch brings those of one segment.
    private func everything(in topic: String, _ client: TestClient) async throws -> [String] {
        var found: [String] = []
        var offset: Int64 = 0
        while true {
            let answer = try await client.fetch(topic, from: offset)
            var batches = RecordBatches(answer.records ?? ByteBuffer())
            let start = offset
            while let batch = try batches.next() { offset = batch.header.lastOffset + 1 }
            guard offset > start else { return found }
            found += try values(in: answer.records)
        }
    }

    @Test("properties that contradict each other are refused")
    func refusesConflicts() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let answer = try await client.create(
                "t", configs: ["min.compaction.lag.ms": "2", "max.compaction.lag.ms": "1"])
            #expect(answer.errorCode == .invalidConfig)
        }
    }

    @Test("bytes are held to the rate, and little is saved up while nothing happens")
    func throttles() {
        var throttle = Throttle(bytesPerSecond: 1000)
        let second: Int64 = 1_000_000_000
        #expect(throttle.take(100, now: 0) == 0)
        #expect(throttle.take(500, now: 0) == second / 2)
        #expect(throttle.take(500, now: second / 2) == second / 2)
        #expect(throttle.take(200, now: 100 * second) == second / 10)
        var unlimited = Throttle(bytesPerSecond: .max)
        #expect(unlimited.take(.max, now: 0) == 0)
    }

    @Test("what was cleaned is counted and told; the broker's own logs are left alone")
    func tells() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try files.createDirectories("d")
        let configuration = BrokerConfiguration(dataDirectory: "d")
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let threads = StorageThreads(limit: 2)
        let metadata = try MetadataStore(directory: "d", files: files)
        let live = LiveConfiguration(start: configuration, metadata: metadata, logger: logger)
        let topics = TopicStore(live: live, files: files, threads: threads, metadata: metadata, logger: logger)
        for name in ["t", TopicName.groups] {
            let topic = try await withCheckedThrowingContinuation { continuation in
                let wanted = TopicSpecification(name: name, partitions: 1, configuration: Self.compacted)
                topics.create(wanted) { continuation.resume(with: $0.mapError { $0 as any Error }) }
            }
            let log = topic.partitions[0].log
            for round in 0..<50 { _ = try log.append(keyed("k", "\(round)")) }
            try log.roll()
        }
        let cleaner = Cleaner(topics: topics, live: live, logger: logger)
        await withCheckedContinuation { continuation in cleaner.wake { continuation.resume() } }
        let statistics = cleaner.statistics
        #expect(statistics.cleanings == 1 && statistics.recent.map(\.partition.topic) == ["t"])
        #expect(statistics.recordsBefore > statistics.recordsAfter && statistics.bytesBefore > statistics.bytesAfter)
        #expect(statistics.current == nil && statistics.failures.isEmpty)
        await cleaner.stop()
        await threads.stop()
    }
}
