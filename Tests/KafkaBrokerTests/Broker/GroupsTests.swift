import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Groups through the broker")
struct GroupsTests {
    @Test("a member joins, syncs, commits and heartbeats, in every version", arguments: 0...9 as ClosedRange<Int16>)
    func goesThrough(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            let member = try await client.joinAlone("g", version: version)
            let sync = try await client.send(
                SyncGroupRequest { request in
                    request.groupID = "g"
                    request.generationID = member.generationID
                    request.memberID = member.memberID
                    request.protocolType = "consumer"
                    request.protocolName = "range"
                    request.assignments = [
                        SyncGroupRequest.Assignment { share in
                            share.memberID = member.memberID
                            share.assignment = ByteBuffer(string: "share")
                        }
                    ]
                }, version: min(version, 5))
            #expect(sync.errorCode == .none)
            #expect(String(buffer: sync.assignment) == "share")
            let commit = try await client.commit(
                ["t": [0: 5]], group: "g", member: member.memberID, generation: member.generationID,
                version: max(1, version))
            #expect(commit == [.none])
            let heartbeat = try await client.send(
                HeartbeatRequest { request in
                    request.groupID = "g"
                    request.memberID = member.memberID
                    request.generationID = member.generationID
                }, version: min(version, 4))
            #expect(heartbeat.errorCode == .none)
            let described = try await client.send(
                DescribeGroupsRequest { $0.groups = ["g", "other"] }, version: min(version, 6))
            #expect(described.groups.map(\.errorCode) == [.none, version >= 6 ? .groupIDNotFound : .none])
            #expect(described.groups.map(\.groupState) == ["Stable", "Dead"])
            #expect(described.groups.first?.members.first?.clientHost == "/127.0.0.1")
            let left = try await client.send(
                LeaveGroupRequest { request in
                    request.groupID = "g"
                    request.memberID = member.memberID
                    request.members = [LeaveGroupRequest.Member { $0.memberID = member.memberID }]
                }, version: min(version, 5))
            #expect(left.errorCode == .none)
            let listed = try await client.send(ListGroupsRequest(), version: min(version, 5))
            #expect(listed.groups.map(\.groupID) == ["g"])
        }
    }

    @Test(
        "committed offsets are found again in every version, also after a restart",
        arguments: 1...9 as ClosedRange<Int16>)
    func keepsOffsets(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t", partitions: 3)
            #expect(try await client.commit(["t": [0: 5, 2: 7]], group: "g") == [.none, .none])
            #expect(try await client.commit(["t": [0: 6]], group: "g") == [.none])
            #expect(try await client.offsets("t", [0, 1, 2], group: "g", version: version) == [6, -1, 7])
            try await broker.restart()
            client = try await broker.connect()
            #expect(try await client.offsets("t", [0, 1, 2], group: "g", version: version) == [6, -1, 7])
            #expect(try await client.offsets("t", [0], group: "stranger", version: version) == [-1])
            if version >= 2 {
                #expect(try await client.offsets("t", nil, group: "g", version: version) == [6, 7])
            }
        }
    }

    @Test("offsets of partitions that do not exist, and metadata without measure, are refused one by one")
    func refusesCommits() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.commit(["t": [0: 1, 7: 1]], group: "g") == [.none, .unknownTopicOrPartition])
            let long = String(repeating: "m", count: 5000)
            #expect(try await client.commit(["t": [0: 9]], group: "g", metadata: long) == [.offsetMetadataTooLarge])
            #expect(try await client.offsets("t", [0], group: "g", version: 9) == [1])
            let stranger = try await client.commit(["t": [0: 1]], group: "new", member: "x", generation: 3)
            #expect(stranger == [.groupIDNotFound])
            #expect(try await client.commit(["t": [0: 1]], group: "") == [.invalidGroupID])
        }
    }

    @Test("members go on after a restart of the broker, in the same generation and with the same shares")
    func survivesRestart() async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t")
            let member = try await client.joinAlone("g")
            let sync = SyncGroupRequest { request in
                request.groupID = "g"
                request.generationID = member.generationID
                request.memberID = member.memberID
                request.assignments = [
                    SyncGroupRequest.Assignment { share in
                        share.memberID = member.memberID
                        share.assignment = ByteBuffer(string: "mine")
                    }
                ]
            }
            _ = try await client.send(sync, version: 3)
            try await broker.restart()
            client = try await broker.connect()
            let heartbeat = try await client.send(
                HeartbeatRequest { request in
                    request.groupID = "g"
                    request.memberID = member.memberID
                    request.generationID = member.generationID
                }, version: 4)
            #expect(heartbeat.errorCode == .none)
            #expect(String(buffer: try await client.send(sync, version: 3).assignment) == "mine")
            let commit = try await client.commit(
                ["t": [0: 5]], group: "g", member: member.memberID, generation: member.generationID)
            #expect(commit == [.none])
        }
    }

    @Test("a broker that stops lets go of members that wait for others, and of fetches that wait for records")
    func stopsWithParkedRequests() async throws {
        try await withTestBroker { broker in
            let first = try await broker.connect()
            try await first.create("t")
            let member = try await first.joinAlone("g")
            let second = try await broker.connect()
            try await second.write(
                SyncGroupRequest { request in
                    request.groupID = "g"
                    request.generationID = member.generationID
                    request.memberID = member.memberID
                }, version: 3, correlationID: 1)
            // The leader's sync makes the group stable; then a newcomer waits for the leader to join again.
            let third = try await broker.connect()
            try await third.write(
                JoinGroupRequest { request in
                    request.groupID = "g"
                    request.sessionTimeoutMs = 10_000
                    request.rebalanceTimeoutMs = 60_000
                    request.protocolType = "consumer"
                    request.protocols = [JoinGroupRequest.ProtocolMetadata { $0.name = "range" }]
                }, version: 3)
            let reader = try await broker.connect()
            try await reader.write(fetchRequest("t", maxWaitMs: 60_000), version: 11)
            var groups = try await first.send(
                ListGroupsRequest { $0.statesFilter = ["PreparingRebalance"] }, version: 4)
            while groups.groups.isEmpty {
                groups = try await first.send(
                    ListGroupsRequest { $0.statesFilter = ["PreparingRebalance"] }, version: 4)
            }
            try await broker.restart()
            #expect(try await broker.connect().send(ListGroupsRequest(), version: 4).errorCode == ErrorCode.none)
        }
    }

    @Test("acknowledged offsets and assignments survive a power cut", arguments: 1...10)
    func survivesPowerCut(seed: UInt64) async throws {
        let files = SimulatedFileSystem(seed: seed, writeOrder: seed % 2 == 0 ? .kept : .any)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let last = Int64(seed % 5) + 1
            for offset in 1...last { #expect(try await client.commit(["t": [0: offset]], group: "g") == [.none]) }
            files.cutPower()
            try? await broker.stop()
            try await broker.start()
            let again = try await broker.connect()
            #expect(try await again.offsets("t", [0], group: "g", version: 7) == [last], "seed \(seed)")
        }
    }

    @Test("the groups' log can be read and not written, and what a deleted topic's readers committed is gone")
    func guardsInternalTopic() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            _ = try await client.commit(["t": [0: 5]], group: "g")
            #expect(try await client.produce(["x"], to: "__consumer_offsets").errorCode == .invalidTopic)
            #expect(try await client.fetch("__consumer_offsets").records?.readableBytes ?? 0 > 0)
            let metadata = try await client.send(MetadataRequest { $0.topics = nil }, version: 9)
            #expect(metadata.topics.filter(\.isInternal).map(\.name) == ["__consumer_offsets"])
            _ = try await client.send(DeleteTopicsRequest { $0.topicNames = ["t", "__consumer_offsets"] }, version: 5)
            try await client.create("t")
            #expect(try await client.offsets("t", [0], group: "g", version: 7) == [-1])
            try await broker.restart()
            let again = try await broker.connect()
            #expect(try await again.offsets("t", [0], group: "g", version: 7) == [-1])
        }
    }

    @Test("the groups' log stays small however much is committed, and loses nothing by it", arguments: 1...5)
    func keepsLogSmall(seed: UInt64) async throws {
        let files = SimulatedFileSystem(seed: seed)
        func shrink(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("offsets.log.snapshot.bytes", to: "4096")
        }
        try await withTestBroker(shrink, files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            #expect(try await client.commit(["t": [1: 77]], group: "still") == [.none])
            for offset: Int64 in 1...200 {
                #expect(try await client.commit(["t": [0: offset]], group: "g") == [.none])
            }
            let log = try await client.fetch("__consumer_offsets", from: 0)
            #expect(log.logStartOffset > 100)
            if seed % 2 == 0 { files.cutPower() }
            try? await broker.stop()
            try await broker.start()
            let again = try await broker.connect()
            #expect(try await again.offsets("t", [0, 1], group: "g", version: 7) == [200, -1])
            #expect(try await again.offsets("t", [0, 1], group: "still", version: 7) == [-1, 77])
        }
    }

    @Test("the coordinator of every group is this broker, in every version", arguments: 0...6 as ClosedRange<Int16>)
    func findsCoordinator(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let answer = try await client.send(
                FindCoordinatorRequest { request in
                    request.key = "g"
                    request.coordinatorKeys = ["g", "h"]
                }, version: version)
            let ports = version >= 4 ? answer.coordinators.map(\.port) : [answer.port, answer.port]
            #expect(ports == [Int32(broker.port), Int32(broker.port)])
            guard version >= 1 else { return }
            let transactional = try await client.send(
                FindCoordinatorRequest { request in
                    request.keyType = 1
                    request.key = "tx"
                    request.coordinatorKeys = ["tx"]
                }, version: version)
            #expect((version >= 4 ? transactional.coordinators.first?.port : transactional.port) == Int32(broker.port))
        }
    }

    @Test("producer ids never repeat, not even over a restart or a power cut", arguments: 0...5 as ClosedRange<Int16>)
    func neverRepeatsProducerIDs(version: Int16) async throws {
        let files = SimulatedFileSystem(seed: 3)
        try await withTestBroker(files: files) { broker in
            var ids: Set<Int64> = []
            for round in 0..<3 {
                let client = try await broker.connect()
                for _ in 0..<5 {
                    let answer = try await client.send(
                        InitProducerIdRequest { $0.transactionalID = nil }, version: version)
                    #expect(answer.errorCode == .none)
                    #expect(ids.insert(answer.producerID).inserted)
                }
                let transactional = try await client.send(
                    InitProducerIdRequest { request in
                        request.transactionalID = "tx-\(round)"
                        request.transactionTimeoutMs = 1000
                    }, version: version)
                #expect(transactional.errorCode == .none)
                #expect(ids.insert(transactional.producerID).inserted)
                if round == 1 { files.cutPower() }
                try? await broker.stop()
                try await broker.start()
            }
        }
    }
}

extension TestClient {
    /// Joins as the only member, by way of MEMBER_ID_REQUIRED where the version has it.
    func joinAlone(
        _ group: String, protocolType: String = "consumer", metadata: ByteBuffer = ByteBuffer(), version: Int16 = 5
    ) async throws -> JoinGroupResponse {
        var request = JoinGroupRequest { request in
            request.groupID = group
            request.sessionTimeoutMs = 10_000
            request.rebalanceTimeoutMs = 10_000
            request.protocolType = protocolType
            request.protocols = [
                JoinGroupRequest.ProtocolMetadata { offered in
                    offered.name = "range"
                    offered.metadata = metadata
                }
            ]
        }
        var answer = try await send(request, version: version)
        if answer.errorCode == .memberIDRequired {
            request.memberID = answer.memberID
            answer = try await send(request, version: version)
        }
        guard answer.errorCode == .none else { throw answer.errorCode }
        return answer
    }

    func commit(
        _ offsets: [String: [Int32: Int64]], group: String, member: String = "", generation: Int32 = -1,
        metadata: String = "", version: Int16 = 9
    ) async throws -> [ErrorCode] {
        let request = OffsetCommitRequest { request in
            request.groupID = group
            request.memberID = member
            request.generationIDOrMemberEpoch = generation
            request.topics = offsets.map { topic, partitions in
                OffsetCommitRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitions = partitions.sorted { $0.key < $1.key }.map { index, offset in
                        OffsetCommitRequest.Partition { wanted in
                            wanted.partitionIndex = index
                            wanted.committedOffset = offset
                            wanted.committedMetadata = metadata
                        }
                    }
                }
            }
        }
        return try await send(request, version: version).topics.flatMap { $0.partitions.map(\.errorCode) }
    }

    /// Committed offsets of the partitions, or of all when nil.
    func offsets(
        _ topic: String, _ partitions: [Int32]?, group: String, version: Int16
    ) async throws -> [Int64] {
        let topics = partitions.map { indexes in
            [
                OffsetFetchRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitionIndexes = indexes
                }
            ]
        }
        let answer = try await send(
            OffsetFetchRequest { request in
                request.groupID = group
                request.topics = topics
                request.groups = [
                    OffsetFetchRequest.Group { wanted in
                        wanted.groupID = group
                        wanted.topics = topics
                    }
                ]
            }, version: version)
        let found = version >= 8 ? answer.groups.first?.topics : answer.topics
        return found?.flatMap { $0.partitions.map(\.committedOffset) } ?? []
    }
}
