import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ProducerTests {
    @Test(
        "one await gives each message its partition and offset, in the order of the messages", arguments: TestKafka.all)
    func reportsInOrder(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("reports", partitions: 1)
            let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            let reports = try await producer.send(
                (0..<5000).map { ProducerMessage(topic: topic, key: "\($0)", value: "value \($0)") })
            let offsets = try reports.map { try $0.get().offset }
            #expect(offsets == Array(0..<5000))
        }
    }

    @Test("a message that is too large fails alone", arguments: TestKafka.all)
    func failuresPerMessage(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("too-large", partitions: 1)
            var kafka = cluster.kafka
            kafka.properties["message.max.bytes"] = "2000"
            let producer = try Producer(ProducerConfiguration(kafka), logger: cluster.logger)
            let sizes = [10, 5000, 20]
            let reports = try await producer.send(
                sizes.map { ProducerMessage(topic: topic, value: [UInt8](repeating: 1, count: $0)) })
            #expect(throws: Never.self) { try reports[0].get() }
            #expect(throws: Never.self) { try reports[2].get() }
            guard case .failure(let error) = reports[1] else {
                Issue.record("the large message was sent")
                return
            }
            #expect(error.code == .messageTooLarge)
            #expect(!error.isRetriable)
        }
    }

    @Test(
        "more messages than the queue has room for wait for deliveries, and all arrive in order",
        arguments: TestKafka.all)
    func backPressure(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("back-pressure", partitions: 1)
            var configuration = ProducerConfiguration(cluster.kafka)
            configuration.maximumQueuedMessages = 100
            let producer = try Producer(configuration, logger: cluster.logger)
            let reports = try await producer.send((0..<10_000).map { ProducerMessage(topic: topic, value: "\($0)") })
            #expect(try reports.map { try $0.get().offset } == Array(0..<10_000))
        }
    }

    @Test("keys land where the Java client puts them", arguments: TestKafka.all)
    func javaPartitioner(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("partitioner", partitions: 4)
            let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            // Positive murmur2 of the key modulo the number of partitions; murmur2 values of KafkaProducer's own test:
            // "21" -> -973932308, "foobar" -> -790332482, "abc" -> 479470107
            let expected: [(String, Int32)] = [
                ("21", (-973_932_308 & 0x7fff_ffff) % 4), ("foobar", (-790_332_482 & 0x7fff_ffff) % 4),
                ("abc", 479_470_107 % 4),
            ]
            for (key, partition) in expected {
                let sent = try await producer.send(ProducerMessage(topic: topic, key: key, value: "x"))
                #expect(sent.partition == partition, "\(key)")
            }
        }
    }

    @Test("an unknown property is refused by name, with what to do")
    func unknownProperty() throws {
        var kafka = KafkaConfiguration("127.0.0.1:1")
        kafka.properties["linger.minutes"] = "3"
        let error = #expect(throws: KafkaError.self) {
            try Producer(ProducerConfiguration(kafka), logger: TestCluster.logger)
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("linger.minutes") == true)
        #expect(error?.message.contains("CONFIGURATION.md") == true)
    }

    @Test("a cancelled send lets go at once, although the broker never answers", arguments: TestKafka.all)
    func cancellation(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            var configuration = ProducerConfiguration(KafkaConfiguration("127.0.0.1:1"))
            configuration.maximumQueuedMessages = 10
            let producer = try Producer(configuration, logger: cluster.logger)
            let small = Task { try await producer.send([ProducerMessage(topic: "nowhere", value: "x")]) }
            let large = Task {
                try await producer.send((0..<100).map { ProducerMessage(topic: "nowhere", value: "\($0)") })
            }
            small.cancel()
            large.cancel()
            await #expect(throws: CancellationError.self) { try await small.value }
            await #expect(throws: CancellationError.self) { try await large.value }
        }
    }

    @Test("run() flushes at its end, and refuses messages from then on", arguments: TestKafka.all)
    func flushesAtShutdown(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("flush", partitions: 1)
            var configuration = ProducerConfiguration(cluster.kafka)
            configuration.linger = .milliseconds(200)
            let producer = try Producer(configuration, logger: cluster.logger)
            let group = TestService(producer)
            async let sent = producer.send((0..<100).map { ProducerMessage(topic: topic, value: "\($0)") })
            let running = Task { try await group.run() }
            // The messages linger; shutdown must wait for them.
            while producer.unsettled == 0 { await Task.yield() }
            await group.shutDown()
            try await running.value
            #expect(try await sent.allSatisfy { (try? $0.get()) != nil })
            await #expect(throws: KafkaError.self) {
                try await producer.send(ProducerMessage(topic: topic, value: "late"))
            }
        }
    }
}
