import CRDKafka
import Foundation
import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct TransactionalProducerTests {
    struct Refused: Error {}

    @Test(
        "a transaction's records and offsets count once it is committed, and those of an aborted one never",
        arguments: TestKafka.complete)
    func commitAndAbort(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("transaction", partitions: 2)
            let producer = try cluster.transactionalProducer(topic)
            try await producer.start()
            let source = TopicPartition(topic, 0)
            try await producer.transaction { transaction in
                try await transaction.send(cluster.messages(topic, ["a", "b"])).throwFirst()
                try await transaction.sendOffsets([source: 7], ofGroup: topic)
                #expect(try await cluster.committed(source, topic) == nil)
            }
            #expect(try await cluster.committed(source, topic) == 7)
            await #expect(throws: Refused.self) {
                try await producer.transaction { transaction in
                    try await transaction.send(cluster.messages(topic, ["lost", "too"])).throwFirst()
                    try await transaction.sendOffsets([source: 9], ofGroup: topic)
                    throw Refused()
                }
            }
            try await producer.transaction { try await $0.send(cluster.messages(topic, ["c", "d"])).throwFirst() }
            #expect(try await cluster.committed(source, topic) == 7)
            #expect(try await cluster.values(topic, partitions: 2, .committed).sorted() == ["a", "b", "c", "d"])
            #expect(
                try await cluster.values(topic, partitions: 2, .uncommitted).sorted()
                    == ["a", "b", "c", "d", "lost", "too"])
        }
    }

    @Test("a successor fences its predecessor, whose open transaction comes to nothing", arguments: TestKafka.complete)
    func fencing(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("fenced", partitions: 1)
            let elder = try cluster.transactionalProducer(topic)
            try await elder.start()
            let error = await #expect(throws: (any Error).self) {
                try await elder.transaction { transaction in
                    try await transaction.send(cluster.messages(topic, ["zombie"])).throwFirst()
                    let younger = try cluster.transactionalProducer(topic)
                    try await younger.start()
                    try await younger.transaction { try await $0.send(cluster.messages(topic, ["new"])).throwFirst() }
                    try await transaction.send(cluster.messages(topic, ["undead"])).throwFirst()
                }
            }
            let cause = (error as? KafkaError) ?? (error as? TransactionInDoubt)?.cause
            #expect(cause?.isFenced == true && cause?.isFatal == true, "\(String(describing: error))")
            await #expect(throws: KafkaError.self) { try await elder.transaction { _ in } }
            #expect(try await cluster.values(topic, partitions: 1, .committed) == ["new"])
        }
    }

    @Test("a message that is refused ends its transaction, and the next succeeds", arguments: TestKafka.complete)
    func refusedMessage(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("refused", partitions: 1)
            let producer = try cluster.transactionalProducer(topic) {
                $0.sending.kafka.properties["message.max.bytes"] = "2000"
            }
            try await producer.start()
            let error = await #expect(throws: KafkaError.self) {
                try await producer.transaction { transaction in
                    _ = try await transaction.send(
                        cluster.messages(topic, ["lost", String(repeating: "x", count: 5000)]))
                }
            }
            #expect(error?.code == .messageTooLarge && error?.requiresAbort == true && error?.isFatal == false)
            try await producer.transaction { try await $0.send(cluster.messages(topic, ["kept"])).throwFirst() }
            #expect(try await cluster.values(topic, partitions: 1, .committed) == ["kept"])
        }
    }

    @Test("what Kafka refuses of an offset ends the transaction, and the next succeeds")
    func refusedOffset() async throws {
        try await withMock { cluster, mock in
            let topic = try await cluster.topic("refused", partitions: 1)
            let producer = try cluster.transactionalProducer(topic)
            try await producer.start()
            rd_kafka_mock_push_request_errors_array(mock.cluster, 25, 1, [RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED])
            let error = await #expect(throws: KafkaError.self) {
                try await producer.transaction { transaction in
                    try await transaction.sendOffsets([TopicPartition(topic, 0): 1], ofGroup: "g")
                }
            }
            #expect(error?.requiresAbort == true && error?.isFatal == false)
            try await producer.transaction { try await $0.send(cluster.messages(topic, ["kept"])).throwFirst() }
        }
    }

    @Test("a commit that Kafka does not answer leaves a doubt, which the producer's successor ends")
    func inDoubt() async throws {
        try await withMock { cluster, mock in
            let topic = try await cluster.topic("doubt", partitions: 1)
            let producer = try cluster.transactionalProducer(topic) { $0.transactionTimeout = .seconds(2) }
            try await producer.start()
            let noAnswer = [rd_kafka_resp_err_t](repeating: RD_KAFKA_RESP_ERR__TRANSPORT, count: 200)
            rd_kafka_mock_push_request_errors_array(mock.cluster, 26, noAnswer.count, noAnswer)
            await #expect(throws: TransactionInDoubt.self) {
                try await producer.transaction { try await $0.send(cluster.messages(topic, ["?"])).throwFirst() }
            }
            let error = await #expect(throws: KafkaError.self) { try await producer.transaction { _ in } }
            #expect(error?.isFatal == true)
            rd_kafka_mock_clear_request_errors(mock.cluster, 26)
            let successor = try cluster.transactionalProducer(topic)
            try await successor.start()
            try await successor.transaction { try await $0.send(cluster.messages(topic, ["!"])).throwFirst() }
        }
    }

    @Test("without a broker, starting fails after its time and may be tried again; cancelled, it ends at once")
    func noBroker() async throws {
        let cluster = TestCluster(bootstrap: "127.0.0.1:1")
        let producer = try cluster.transactionalProducer("nobody")
        let error = await #expect(throws: KafkaError.self) { try await producer.start(timeout: .milliseconds(600)) }
        #expect(error?.isRetriable == true && error?.isFatal == false, "\(String(describing: error))")
        let starting = Task { try await producer.start(timeout: .seconds(1000)) }
        starting.cancel()
        await #expect(throws: CancellationError.self) { try await starting.value }
    }

    @Test("the coordinator ends a transaction that is open for too long", arguments: TestKafka.complete)
    func timesOut(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("late", partitions: 1)
            let producer = try cluster.transactionalProducer(topic) { $0.transactionTimeout = .seconds(1) }
            try await producer.start()
            await #expect(throws: (any Error).self) {
                try await producer.transaction { transaction in
                    try await transaction.send(cluster.messages(topic, ["late"])).throwFirst()
                    // Readers of committed records get past it only when the coordinator has ended it.
                    #expect(try await cluster.values(topic, partitions: 1, .committed) == [])
                }
            }
            #expect(try await cluster.values(topic, partitions: 1, .committed) == [])
        }
    }

    @Test("a cancelled transaction is aborted, and shutdown waits for the one in hand", arguments: TestKafka.complete)
    func cancellationAndShutdown(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("shutdown", partitions: 1)
            let producer = try cluster.transactionalProducer(topic)
            try await producer.start()
            let cancelled = Task {
                try await producer.transaction { transaction in
                    try await transaction.send(cluster.messages(topic, ["lost"])).throwFirst()
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let group = TestService(producer)
            let running = Task { try await group.run() }
            try await producer.transaction { transaction in
                await group.shutDown()
                try await transaction.send(cluster.messages(topic, ["kept"])).throwFirst()
            }
            try await running.value
            await #expect(throws: KafkaError.self) { try await producer.transaction { _ in } }
            #expect(try await cluster.values(topic, partitions: 1, .committed) == ["kept"])
        }
    }
}

extension TestCluster {
    fileprivate func transactionalProducer(
        _ id: String, _ adjust: (inout TransactionalProducerConfiguration) -> Void = { _ in }
    ) throws -> TransactionalProducer {
        var configuration = TransactionalProducerConfiguration(kafka, transactionalID: id)
        adjust(&configuration)
        return try TransactionalProducer(configuration, logger: logger)
    }

    fileprivate func messages(_ topic: String, _ values: [String]) -> [ProducerMessage] {
        values.map { ProducerMessage(topic: topic, key: $0, value: $0) }
    }

    fileprivate func committed(_ partition: TopicPartition, _ group: String) async throws -> Int64? {
        try await Admin(kafka, logger: logger).committedOffsets(ofGroup: group, partitions: [partition])[partition]
    }

    /// The values that a reader sees: up to a mark that is sent now, without a transaction, to the end of each partition.
    fileprivate func values(
        _ topic: String, partitions: Int32, _ isolation: ConsumerConfiguration.Isolation
    ) async throws -> [String] {
        let mark = UUID().uuidString
        let producer = try Producer(ProducerConfiguration(kafka), logger: logger)
        for partition in 0..<partitions {
            let message = ProducerMessage(topic: topic, partition: partition, value: Array(mark.utf8))
            try await producer.send(message)
        }
        var configuration = ConsumerConfiguration(kafka, groupID: topic)
        configuration.isolation = isolation
        let start = Dictionary(
            uniqueKeysWithValues: (0..<partitions).map { (TopicPartition(topic, $0), StartOffset.beginning) })
        let consumer = try Consumer(configuration, partitions: start, logger: logger)
        var values: [String] = []
        var marks = 0
        try await withConsumer(consumer) { batches in
            while marks < partitions, let batch = try await batches.next() {
                for record in batch {
                    let value = String(decoding: record.value ?? [], as: UTF8.self)
                    if value == mark { marks += 1 } else if value.utf8.count < mark.utf8.count { values.append(value) }
                }
            }
        }
        return values
    }
}

extension DeliveryReports {
    fileprivate func throwFirst() throws {
        if let firstFailure { throw firstFailure }
    }
}
