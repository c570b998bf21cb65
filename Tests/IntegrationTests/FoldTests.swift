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
