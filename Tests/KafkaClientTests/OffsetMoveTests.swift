import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct OffsetMoveTests {
    @Test(
        "a point has an offset in each partition, between its first record's and its end", arguments: TestKafka.complete
    )
    func points(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("points", partitions: 2)
            let producer = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            for time in [Int64(1000), 2000, 3000] {
                try await producer.send(ProducerMessage(topic: topic, partition: 0, value: [1], timestamp: time))
            }
            let (full, empty) = (TopicPartition(topic, 0), TopicPartition(topic, 1))
            for (point, offset) in [
                (LogPoint.beginning, 0), (.end, 3), (.offset(2), 2), (.offset(99), 3), (.offset(-7), 0),
                (.beforeEnd(1), 2),
                (.beforeEnd(99), 0), (.beforeEnd(.max), 0), (.time(0), 0), (.time(-5), 0), (.time(2000), 1),
                (.time(2001), 2),
                (.time(9000), 3),
            ] {
                let found = try await admin.offsets(at: point, in: [full, empty])
                #expect(found == [full: Int64(offset), empty: 0], "\(point)")
            }
        }
    }

    @Test("a group's offsets are set, and it is in the list", arguments: TestKafka.complete)
    func moves(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let admin = try Admin(cluster.kafka, logger: cluster.logger)
            let topic = try await cluster.topic("moved", partitions: 2)
            try await cluster.fill(topic, partitions: 2, count: 10)
            let partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
            try await admin.alterOffsets(ofGroup: topic, to: [partitions[0]: 4])
            #expect(try await admin.committedOffsets(ofGroup: topic) == [partitions[0]: 4])
            #expect(try await admin.listGroups().contains { $0.groupID == topic && $0.state == .empty })

            let forth = try await admin.moves(ofGroup: topic, in: partitions, to: .shift(3))
            #expect(forth.map(\.committed) == [4, nil])
            #expect(forth.map(\.target) == [7, 3])
            #expect(forth.map(\.repeated) == [-3, -3])
            let back = try await admin.moves(ofGroup: topic, in: partitions, to: .shift(.min))
            #expect(back.map(\.target) == [0, 0])
            #expect(try await admin.moves(ofGroup: topic, in: partitions, to: .shift(.max)).map(\.target) == [10, 10])
            let end = try await admin.moves(ofGroup: topic, in: partitions, to: .point(.end))
            #expect(end.map(\.target) == [10, 10])
        }
    }
}
