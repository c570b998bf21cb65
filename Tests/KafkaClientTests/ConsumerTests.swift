import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ConsumerTests {
    @Test(
        "what was produced is consumed: keys, values, nulls, headers, time stamps, each partition in order",
        arguments: TestKafka.all)
    func roundTrip(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("round-trip", partitions: 1)
            let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            let messages = [
                ProducerMessage(
                    topic: topic, key: Array("k".utf8), value: Array("v".utf8),
                    headers: [RecordHeader("a", "1"), RecordHeader("a", nil), RecordHeader("b", [])], timestamp: 1234),
                ProducerMessage(topic: topic, key: nil, value: nil),
                ProducerMessage(topic: topic, key: [], value: []),
            ]
            for report in try await producer.send(messages) { _ = try report.get() }

            let consumer = try Consumer(
                cluster.kafka, partitions: [TopicPartition(topic, 0): .beginning], logger: cluster.logger)
            var records: [ConsumerRecord] = []
            try await withConsumer(consumer) { batches in
                while records.count < 3, let batch = try await batches.next() { records += batch }
            }
            #expect(records.map(\.offset) == [0, 1, 2])
            #expect(records[0].key == Array("k".utf8))
            #expect(records[0].value == Array("v".utf8))
            #expect(records[0].headers == Array(messages[0].headers))
            #expect(records[0].header("b") == [])
            #expect(records[0].timestamp == 1234)
            #expect(records[0].withValue { $0.byteCount } == 1)
            #expect(records[1].key == nil && records[1].value == nil)
            #expect(records[2].key == [] && records[2].value == [])
        }
    }

    @Test("a group's hook gives the start offsets before any record is handed out", arguments: TestKafka.all)
    func startOffsets(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("starts", partitions: 3)
            try await cluster.fill(topic, partitions: 3, count: 100)
            let hooks = RebalanceHooks(assigned: { partitions in
                Dictionary(uniqueKeysWithValues: partitions.map { ($0, .at(Int64($0.partition) * 10)) })
            })
            let consumer = try Consumer(
                ConsumerConfiguration(cluster.kafka, groupID: topic), topics: [topic], hooks: hooks,
                logger: cluster.logger)
            var firsts: [Int32: Int64] = [:]
            var count = 0
            try await withConsumer(consumer) { batches in
                while count < 270, let batch = try await batches.next() {
                    if firsts[batch.partition.partition] == nil {
                        firsts[batch.partition.partition] = batch.first?.offset
                    }
                    count += batch.count
                }
            }
            #expect(firsts == [0: 0, 1: 10, 2: 20])
            #expect(count == 270)
        }
    }

    @Test("committed offsets are where the group goes on", arguments: TestKafka.all)
    func commits(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("commits", partitions: 1)
            try await cluster.fill(topic, partitions: 1, count: 100)
            var configuration = ConsumerConfiguration(cluster.kafka, groupID: topic)
            configuration.maximumBatchSize = 10
            let first = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            try await withConsumer(first) { batches in
                let batch = try #require(try await batches.next())
                try await first.commit(batch)
                #expect(batch.nextOffset == Int64(batch.count))
            }
            let second = try Consumer(configuration, topics: [topic], logger: cluster.logger)
            try await withConsumer(second) { batches in
                let batch = try #require(try await batches.next())
                #expect(batch.first?.offset == 10)
            }
        }
    }
}

/// Runs a consumer beside `body`, then shuts it down and waits for its end. `end` gets the service, to end it earlier.
func withConsumer(
    _ consumer: Consumer, end: (TestService) async -> Void = { _ in },
    _ body: (inout ConsumerBatches.Iterator) async throws -> Void
) async throws {
    let service = TestService(consumer)
    let running = Task { try await service.run() }
    await end(service)
    do {
        var batches = consumer.batches.makeAsyncIterator()
        try await body(&batches)
        _ = consume batches
    } catch {
        running.cancel()
        throw error
    }
    await service.shutDown()
    try await running.value
}
