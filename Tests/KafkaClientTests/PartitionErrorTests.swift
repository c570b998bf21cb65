import CRDKafka
import KafkaClient
import Logging
import Processes
import Synchronization
import Testing

/// An error that librdkafka puts into a partition's queue behind records, told by its own log as it does so.
@Suite(.timeLimit(.minutes(1)))
struct PartitionErrorTests {
    @Test("an error that comes in one reading with records is told after them")
    func errorAfterRecords() async throws {
        try await withQueueThatEndsInAnError(records: 700) { consumer, partition in
            try await consumer.resume([partition])
            var offsets: [Int64] = []
            let error = await #expect(throws: KafkaError.self) {
                for try await batch in consumer.batches { offsets += batch.map(\.offset) }
            }
            #expect(offsets.elementsEqual(0..<700))
            #expect(error?.code.rawValue == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue)
        }
    }

    @Test("a consumer ends although its queues are full of records and errors that nobody read")
    func unreadQueue() async throws {
        // Several times what closing a queue takes out at once, with the error at the end.
        try await withQueueThatEndsInAnError(records: 3000) { _, _ in }
    }

    @Test("a consumer that failed ends although its reader left with records before the error unread")
    func leftUnread() async throws {
        try await withQueueThatEndsInAnError(records: 3000) { consumer, partition in
            try await consumer.resume([partition])
            for try await batch in consumer.batches {
                #expect(batch.first?.offset == 0)
                break
            }
        }
    }

    /// Runs `body` with a consumer whose one partition is paused, with `records` and then an error in its queue; then
    /// the consumer ends, and its threads with it.
    private func withQueueThatEndsInAnError(
        records: Int, _ body: @Sendable (Consumer, TopicPartition) async throws -> Void
    ) async throws {
        try await withMock { cluster, mock in
            let topic = try await cluster.topic("errors", partitions: 1)
            let partition = TopicPartition(topic, 0)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.offsetReset = .fail
            configuration.fetchWait = .milliseconds(10)
            configuration.kafka.properties["debug"] = "topic,msg"
            let log = FetchLog()
            var logger = Logger(label: "tests") { _ in log }
            logger.logLevel = .debug
            let others = kafkaThreads(named: ["kafka-"])
            let own: Set<String>
            do {
                let consumer = try Consumer(configuration, partitions: [partition: .at(0)], logger: logger)
                let running = Task { try await consumer.run() }
                // Until the thread has the partition, it cannot be paused.
                try await eventually("the partition is assigned") {
                    (try? await consumer.pause([partition])) != nil
                }
                // The client's own ends last; among librdkafka's there may be one of the mock's that was late to start.
                own = kafkaThreads(named: ["kafka-"]).subtracting(others)
                #expect(own.count == 1)
                try await cluster.fill(topic, partitions: 1, count: records)
                try await eventually("all records are in the queue", within: .seconds(20)) {
                    log.recordsEnqueued == records
                }
                // A fetch that fails for other reasons takes such an error without telling: until one was told.
                try await eventually("the error is behind them", within: .seconds(20)) {
                    rd_kafka_mock_push_request_errors_array(
                        mock.cluster, 1, 1, [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE])
                    return log.hasReset
                }
                try await body(consumer, partition)
                running.cancel()
                _ = await running.result
            }
            try await eventually("the client's threads ended") { [own] in
                kafkaThreads(named: ["kafka-"]).isDisjoint(with: own)
            }
        }
    }
}

/// What librdkafka's debug log says it has put into the partitions' queues.
private final class FetchLog: LogHandler {
    private let seen = Mutex((records: 0, hasReset: false))

    var recordsEnqueued: Int { seen.withLock { $0.records } }
    var hasReset: Bool { seen.withLock { $0.hasReset } }

    func log(event: LogEvent) {
        let words = "\(event.message)".split(separator: " ")
        seen.withLock { seen in
            if let place = words.firstIndex(of: "Enqueue"), let count = Int(words[place + 1]) { seen.records += count }
            if words.contains("reset") { seen.hasReset = true }
        }
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }
}
