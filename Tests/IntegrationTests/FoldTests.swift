import Foundation
import KafkaClient
import Logging
import Processes
import Testing
import Tidings

/// A view beside a fold that somebody else's client reads.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct FoldTests {
    private struct Folded: Decodable {
        var records: Int
        var state: [String: String]
    }

    @Test("a compacted topic with transactions and tombstones gives confluent-kafka the state that it gives a view")
    func likeConfluent() async throws {
        try await withKafka(configuration: ["log.cleaner.backoff.ms": "20"]) { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let topic = uniqueName("folded")
            let properties = ["cleanup.policy": "compact", "segment.bytes": "4096", "min.cleanable.dirty.ratio": "0.1"]
            try await Admin(kafka, logger: Self.silent).createTopics([
                TopicSpecification(topic, partitions: 3, configuration: properties)
            ])
            try await write(to: topic, kafka)
            let view = View("fold", of: [topic], initial: [String: String](), kafka: kafka, logger: Self.silent)
            view.foldRecords { state, record in
                let key = Data(record.key ?? []).base64EncodedString()
                state[key] = record.value.map { Data($0).base64EncodedString() }
            }
            let running = Task { try await view.run() }
            let held = try await view.readWhenReady { $0 }
            running.cancel()
            _ = await running.result
            let child = try ForeignClient.confluent.python(
                ["--bootstrap", bootstrap, "--topic", topic], script: "fold.py")
            let status = try await child.waitForExit()
            try #require(status == 0, "\(child.errors)")
            let folded = try JSONDecoder().decode(Folded.self, from: Data((child.lines.last ?? "").utf8))
            #expect(held == folded.state)
            #expect(held.count > 50 && folded.records >= held.count)
        }
    }

    @Test("a partition that is added later is read from its beginning, and the view stays ready")
    func addedPartition() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let topic = uniqueName("growing")
            try await Admin(kafka, logger: Self.silent).createTopics([TopicSpecification(topic, partitions: 1)])
            var configuration = ViewConfiguration()
            configuration.partitionCheckInterval = .milliseconds(50)
            let view = View(
                "growing", of: [topic], initial: [String](), kafka: kafka, configuration: configuration,
                logger: Self.silent)
            view.foldRecords { seen, record in seen.append(String(decoding: record.value ?? [], as: UTF8.self)) }
            let running = Task { try await view.run() }
            try await view.ready()
            let child = try ForeignClient.confluent.python(
                ["--bootstrap", bootstrap, "--topic", topic, "--count", "3"], script: "partitions.py")
            let status = try await child.waitForExit()
            try #require(status == 0, "\(child.errors)")
            let producer = try Producer(ProducerConfiguration(kafka), logger: Self.silent)
            for partition: Int32 in [2, 0, 1] {
                let report = try await eventually("the producer knows the new partitions") {
                    try? await producer.send(
                        ProducerMessage(topic: topic, partition: partition, value: Array("\(partition)".utf8)))
                }
                let place = RecordPlace(topic: topic, partition: partition, offset: report.offset)
                let seen = try await view.read(including: place, within: .seconds(30)) { $0 }
                #expect(seen.last == "\(partition)")
            }
            #expect(view.progress.isReady)
            running.cancel()
            _ = await running.result
        }
    }

    /// Plain records, transactions that are committed and aborted, tombstones: 4000 of them, over 100 keys.
    private func write(to topic: String, _ kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: Self.silent)
        let transactional = try TransactionalProducer(
            .init(kafka, transactionalID: topic), logger: Self.silent)
        try await transactional.start()
        for round in 0..<80 {
            let messages = (0..<50).map { index in
                let number = round * 50 + index
                return ProducerMessage(
                    topic: topic, key: Array("k\(number * 37 % 100)".utf8),
                    value: number % 11 == 0 ? nil : Array("value \(number)".utf8))
            }
            switch round % 4 {
            case 0: try await transactional.transaction { try check(await $0.send(messages)) }
            case 1:
                await #expect(throws: Aborted.self) {
                    try await transactional.transaction {
                        try check(await $0.send(messages))
                        throw Aborted()
                    }
                }
            default: try check(await producer.send(messages))
            }
        }
    }

    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private struct Aborted: Error {}

    private func check(_ reports: DeliveryReports) throws {
        if let error = reports.firstFailure { throw error }
    }
}
