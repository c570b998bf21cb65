import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("More partitions, fewer records", .timeLimit(.minutes(1)))
struct PartitionsTests {
    @Test("partitions are added, take records, and are there after a restart", arguments: 0...3 as ClosedRange<Int16>)
    func addsPartitions(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            let id = try await client.create("t", configs: ["segment.ms": "7"]).topicID
            _ = try await client.produce(["old"], to: "t")
            #expect(try await client.addPartitions("t", to: 3, onlyValidate: true, version: version) == .none)
            #expect(try await client.produce(["x"], to: "t", partition: 1).errorCode == .unknownTopicOrPartition)
            #expect(try await client.addPartitions("t", to: 2, version: version) == .none)
            #expect(try await client.addPartitions("t", to: 4, on: [[1], [1]], version: version) == .none)
            #expect(try await client.produce(["new"], to: "t", partition: 3).baseOffset == 0)
            for _ in 0..<2 {
                let topic = try await client.send(MetadataRequest { $0.topics = nil }).topics.first
                #expect(topic?.topicID == id && topic?.partitions.count == 4)
                #expect(try await values(in: client.fetch("t").records) == ["old"])
                #expect(try await values(in: client.fetch("t", partition: 3).records) == ["new"])
                #expect(try await client.describe(.topic, "t")["segment.ms"]?.value == "7")
                try await broker.restart()
                client = try await broker.connect()
            }
        }
    }

    @Test("a number that is not more, replicas elsewhere, and too many are refused")
    func refusesPartitions() async throws {
        try await withTestBroker({ $0.maxPartitions = 5 }) { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            #expect(try await client.addPartitions("t", to: 2) == .invalidPartitions)
            #expect(try await client.addPartitions("t", to: 1) == .invalidPartitions)
            #expect(try await client.addPartitions("absent", to: 2) == .unknownTopicOrPartition)
            #expect(try await client.addPartitions("t", to: 3, on: [[2]]) == .invalidReplicaAssignment)
            #expect(try await client.addPartitions("t", to: 4, on: [[1]]) == .invalidReplicaAssignment)
            #expect(try await client.addPartitions("t", to: 6) == .policyViolation)
            #expect(try await client.addPartitions("t", to: 5) == .none)
        }
    }

    @Test("a power cut while partitions are added leaves the old ones or all, and a directory of none set aside")
    func survivesPowerCuts() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            try await broker.stop()
            // Made, and the broker is killed before the topic has it.
            try PartitionLog.open(directory: "/data/t-1", files: files).close()
            try await broker.start()
            let again = try await broker.connect()
            #expect(try files.list("/data").filter { $0.hasSuffix(".stray") }.count == 1)
            #expect(try await again.addPartitions("t", to: 2) == .none)
            #expect(try await again.produce(["x"], to: "t", partition: 1).baseOffset == 0)
        }
    }

    @Test("records are deleted up to an offset or all, for good", arguments: 0...2 as ClosedRange<Int16>)
    func deletesRecords(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t", configs: ["segment.bytes": "1024"])
            for number in 0..<6 {
                _ = try await client.produce(["\(number)" + String(repeating: "x", count: 600)], to: "t")
            }
            let deleted = try await client.deleteRecords("t", before: 3, version: version)
            #expect(deleted.errorCode == .none && deleted.lowWatermark == 3)
            #expect(try await client.deleteRecords("t", before: 1, version: version).lowWatermark == 3)
            #expect(try await client.fetch("t", from: 2).errorCode == .offsetOutOfRange)
            #expect(try await client.fetch("t", from: 3).logStartOffset == 3)
            try await broker.restart()
            client = try await broker.connect()
            #expect(try await client.fetch("t", from: 2).errorCode == .offsetOutOfRange)
            #expect(try await client.deleteRecords("t", before: 7, version: version).errorCode == .offsetOutOfRange)
            #expect(try await client.deleteRecords("t", before: -2, version: version).errorCode == .offsetOutOfRange)
            #expect(try await client.deleteRecords("t", before: -1, version: version).lowWatermark == 6)
            #expect(try await client.produce(["next"], to: "t").baseOffset == 6)
        }
    }

    @Test("records of topics that are only compacted, and of the broker's own, are not deleted")
    func refusesDeletion() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("compacted", configs: ["cleanup.policy": "compact"])
            try await client.create("both", configs: ["cleanup.policy": "compact,delete"])
            #expect(try await client.commit(["both": [0: 1]], group: "g") == [.none])
            #expect(try await client.deleteRecords("compacted", before: -1).errorCode == .policyViolation)
            #expect(try await client.deleteRecords("both", before: -1).errorCode == .none)
            #expect(try await client.deleteRecords(TopicName.groups, before: -1).errorCode == .invalidTopic)
            let absent = try await client.deleteRecords("both", partition: 1, before: 0)
            #expect(absent.errorCode == .unknownTopicOrPartition && absent.lowWatermark == -1)
        }
    }

    @Test("the one leader epoch ends where the log ends; others are unknown", arguments: 2...4 as ClosedRange<Int16>)
    func answersEpochs(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            _ = try await client.produce(["a", "b"], to: "t")
            func ask(_ epoch: Int32, current: Int32, partition: Int32 = 0) async throws
                -> OffsetForLeaderEpochResponse.Partition?
            {
                let request = OffsetForLeaderEpochRequest { request in
                    request.replicaID = version >= 3 ? -1 : -2
                    request.topics = [
                        OffsetForLeaderEpochRequest.Topic { wanted in
                            wanted.topic = "t"
                            wanted.partitions = [
                                OffsetForLeaderEpochRequest.Partition { wanted in
                                    wanted.partition = partition
                                    wanted.currentLeaderEpoch = current
                                    wanted.leaderEpoch = epoch
                                }
                            ]
                        }
                    ]
                }
                return try await client.send(request, version: version).topics.first?.partitions.first
            }
            let found = try await ask(0, current: 0)
            #expect(found?.errorCode == ErrorCode.none && found?.leaderEpoch == 0 && found?.endOffset == 2)
            #expect(try await ask(0, current: -1)?.endOffset == 2)
            let later = try await ask(3, current: 0)
            #expect(later?.errorCode == ErrorCode.none && later?.leaderEpoch == -1 && later?.endOffset == -1)
            #expect(try await ask(0, current: 1)?.errorCode == .unknownLeaderEpoch)
            #expect(try await ask(0, current: 0, partition: 1)?.errorCode == .unknownTopicOrPartition)
        }
    }
}
