import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct AdminConfigurationTests {
    @Test("properties are told with who set them, set, and returned to their defaults", arguments: TestKafka.complete)
    func properties(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("properties", partitions: 1)
            func property(_ name: String) async throws -> TopicProperty? {
                try await admin.configurations(ofTopics: [topic])[topic]?.first { $0.name == name }
            }
            let before = try await property("retention.ms")
            #expect(before?.source != .topic)
            try await admin.alterConfiguration(ofTopic: topic, set: ["retention.ms": "1000000"])
            try await admin.alterConfiguration(ofTopic: topic, set: ["cleanup.policy": "compact"])
            #expect(try await property("retention.ms")?.value == "1000000", "what was set before stays")
            #expect(try await property("retention.ms")?.source == .topic)
            #expect(try await property("cleanup.policy")?.value == "compact")

            try await admin.alterConfiguration(ofTopic: topic, set: ["retention.ms": "5"], validatesOnly: true)
            #expect(try await property("retention.ms")?.value == "1000000")
            let refusal = await #expect(throws: KafkaError.self) {
                try await admin.alterConfiguration(ofTopic: topic, set: ["cleanup.policy": "sometimes"])
            }
            #expect(refusal?.message.contains(topic) == true)
            try await admin.alterConfiguration(ofTopic: topic, reset: ["retention.ms"])
            #expect(try await property("retention.ms") == before)
            #expect(try await property("cleanup.policy")?.value == "compact")
            await #expect(throws: KafkaError.self) { try await admin.configurations(ofTopics: [topic + "x"]) }
        }
    }

    @Test("partitions are added, never taken away; records before an offset are deleted", arguments: TestKafka.complete)
    func partitionsAndRecords(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("growing", partitions: 1)
            func count() async throws -> Int? {
                try await admin.metadata().topics.first { $0.name == topic }?.partitions.count
            }
            try await admin.createPartitions([topic: 3], validatesOnly: true)
            #expect(try await count() == 1)
            try await admin.createPartitions([topic: 3])
            #expect(try await count() == 3)
            await #expect(throws: KafkaError.self) { try await admin.createPartitions([topic: 2]) }

            try await cluster.fill(topic, partitions: 3, count: 10)
            let (first, second) = (TopicPartition(topic, 0), TopicPartition(topic, 1))
            #expect(try await admin.deleteRecords(before: [first: 4, second: -1]) == [first: 4, second: 10])
            #expect(try await admin.watermarks([first, second]) == [first: 4..<10, second: 10..<10])
            await #expect(throws: KafkaError.self) { try await admin.deleteRecords(before: [first: 99]) }
        }
    }

    @Test("a group is deleted with its offsets, unless it has members or is not there", arguments: TestKafka.complete)
    func deletedGroups(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("deleted", partitions: 1)
            try await cluster.fill(topic, partitions: 1, count: 1)
            let consumer = try Consumer(
                ConsumerConfiguration(cluster.kafka, groupID: topic), topics: [topic], logger: cluster.logger)
            try await withConsumer(consumer) { batches in
                try await consumer.commit(try #require(try await batches.next()))
                let refusal = await #expect(throws: KafkaError.self) { try await admin.deleteGroups([topic]) }
                #expect(refusal?.code == .nonEmptyGroup)
                await #expect(throws: KafkaError.self) {
                    try await admin.alterOffsets(ofGroup: topic, to: [TopicPartition(topic, 0): 0])
                }
            }
            try await admin.deleteGroups([topic])
            #expect(try await admin.committedOffsets(ofGroup: topic).isEmpty)
            let missing = await #expect(throws: KafkaError.self) { try await admin.deleteGroups([topic]) }
            #expect(missing?.code == .groupNotFound)
        }
    }
}
