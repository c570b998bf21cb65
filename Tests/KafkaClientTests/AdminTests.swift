import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct AdminTests {
    @Test("topics are created, described and deleted", arguments: TestKafka.complete)
    func topics(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let name = try await cluster.topic("described", partitions: 3)
            let metadata = try await admin.metadata(topics: [name])
            #expect(metadata.topics.map(\.name) == [name])
            #expect(metadata.topics[0].partitions.map(\.id) == [0, 1, 2])
            #expect(metadata.brokers.contains { $0.id == metadata.topics[0].partitions[0].leader })

            let again = TopicSpecification(name, partitions: 3, replicationFactor: 1)
            let error = await #expect(throws: KafkaError.self) { try await admin.createTopics([again]) }
            #expect(error?.code == .topicAlreadyExists)
            #expect(error?.message.contains(name) == true)
            try await admin.createTopics([again], ifMissing: true)

            try await admin.deleteTopics([name])
            await #expect(throws: KafkaError.self) { try await admin.deleteTopics([name]) }
        }
    }

    @Test("a topic's own configuration reaches the broker, which refuses nonsense", arguments: TestKafka.complete)
    func configuration(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let name = "configured-\(UInt64.random(in: 0...UInt64.max))"
            let wrong = TopicSpecification(name, partitions: 1, configuration: ["cleanup.policy": "sometimes"])
            await #expect(throws: KafkaError.self) { try await admin.createTopics([wrong]) }
            try await admin.createTopics([
                TopicSpecification(name, partitions: 1, configuration: ["cleanup.policy": "compact"])
            ])
            try await admin.deleteTopics([name])
        }
    }

    @Test("watermarks and offsets by time tell what is there", arguments: TestKafka.complete)
    func offsets(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("offsets", partitions: 2)
            let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            for time in [Int64(1000), 2000, 3000] {
                try await producer.send(ProducerMessage(topic: topic, partition: 0, value: [1], timestamp: time))
            }
            let (full, empty) = (TopicPartition(topic, 0), TopicPartition(topic, 1))
            #expect(try await admin.watermarks([full, empty]) == [full: 0..<3, empty: 0..<0])
            #expect(try await admin.offsets(atOrAfter: [full: 1500]) == [full: 1])
            #expect(try await admin.offsets(atOrAfter: [full: 9000]) == [full: 3])
        }
    }

    @Test("a group shows its members, their assignments and its offsets; a static member stays in it when it ends")
    func groups() async throws {
        for kafka in TestKafka.complete {
            try await withCluster(kafka) { cluster in
                let admin = try Admin(cluster.kafka, logger: cluster.logger)
                let topic = try await cluster.topic("groups", partitions: 2)
                try await cluster.fill(topic, partitions: 2, count: 10)
                for instance in [nil, "invoicing-1"] {
                    let group = "\(topic)-\(instance ?? "dynamic")"
                    let configuration = ConsumerConfiguration(
                        cluster.kafka, groupID: group, groupInstanceID: instance)
                    let consumer = try Consumer(configuration, topics: [topic], logger: cluster.logger)
                    try await withConsumer(consumer) { batches in
                        let batch = try #require(try await batches.next())
                        try await consumer.commit(batch)
                        let description = try await admin.describeGroups([group])[0]
                        #expect(description.state == .stable)
                        #expect(description.members.map(\.clientID) == ["tests"])
                        #expect(description.members.map(\.groupInstanceID) == [instance])
                        #expect(
                            description.members[0].assignment == [TopicPartition(topic, 0), TopicPartition(topic, 1)])
                        #expect(try await admin.committedOffsets(ofGroup: group) == [batch.partition: 10])
                        #expect(try await consumer.committed([batch.partition]) == [batch.partition: 10])
                    }
                    let after = try await admin.describeGroups([group])[0]
                    #expect(after.members.count == (instance == nil ? 0 : 1))
                }
            }
        }
    }

    @Test("a broker that is not there gives an error that may be tried again, in the time that was given")
    func nobodyThere() async throws {
        let admin = try Admin(
            KafkaConfiguration("127.0.0.1:1"), timeout: .milliseconds(300), logger: TestCluster.logger)
        let error = await #expect(throws: KafkaError.self) { try await admin.metadata() }
        #expect(error?.isRetriable == true)
        await #expect(throws: KafkaError.self) {
            try await admin.createTopics([TopicSpecification("x", partitions: 1)])
        }
    }
}
