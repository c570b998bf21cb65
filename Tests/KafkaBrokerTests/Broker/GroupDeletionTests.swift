import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Groups and offsets that go", .timeLimit(.minutes(1)))
struct GroupDeletionTests {
    @Test("a group without members is removed with its offsets, for good", arguments: 0...2 as ClosedRange<Int16>)
    func deletesGroups(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.commit(["t": [0: 5]], group: "g") == [.none])
            #expect(try await client.commit(["t": [0: 6]], group: "other") == [.none])
            let member = try await client.joinAlone("lively")
            func delete(_ ids: [String]) async throws -> [ErrorCode] {
                try await client.send(DeleteGroupsRequest { $0.groupsNames = ids }, version: version)
                    .results.map(\.errorCode)
            }
            let errors = try await delete(["g", "lively", "absent", ""])
            #expect(errors == [.none, .nonEmptyGroup, .groupIDNotFound, .invalidGroupID])
            for _ in 0..<2 {
                #expect(try await client.offsets("t", [0], group: "g", version: 7) == [-1])
                #expect(try await client.offsets("t", [0], group: "other", version: 7) == [6])
                let listed = try await client.send(ListGroupsRequest(), version: 4).groups.map(\.groupID)
                #expect(!listed.contains("g") && listed.contains("other"))
                try await broker.restart()
                client = try await broker.connect()
            }
            // A generation of its own goes too.
            let again = try await client.joinAlone("brief")
            _ = try await client.send(
                LeaveGroupRequest { request in
                    request.groupID = "brief"
                    request.members = [LeaveGroupRequest.Member { $0.memberID = again.memberID }]
                }, version: 5)
            // Somebody has asked for an id and not come back with it.
            let asked = try await client.send(
                JoinGroupRequest { request in
                    request.groupID = "brief"
                    request.sessionTimeoutMs = 10_000
                    request.protocolType = "consumer"
                    request.protocols = [JoinGroupRequest.ProtocolMetadata { $0.name = "range" }]
                }, version: 5)
            #expect(asked.errorCode == .memberIDRequired)
            #expect(try await delete(["brief"]) == [.none])
            let left = try await client.send(ListGroupsRequest(), version: 4).groups.map(\.groupID)
            #expect(!left.contains("brief"))
            #expect(member.generationID == 1)
            #expect(try await client.joinAlone("brief").generationID == 1)
        }
    }

    @Test("offsets are removed one by one, but not those of topics that members subscribe to")
    func deletesOffsets() async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t", partitions: 2)
            try await client.create("u")
            func delete(_ topics: [(String, [Int32])], of group: String) async throws -> OffsetDeleteResponse {
                try await client.send(
                    OffsetDeleteRequest { request in
                        request.groupID = group
                        request.topics = topics.map { name, partitions in
                            OffsetDeleteRequest.Topic { wanted in
                                wanted.name = name
                                wanted.partitions = partitions.map { index in
                                    OffsetDeleteRequest.Partition { $0.partitionIndex = index }
                                }
                            }
                        }
                    }, version: 0)
            }
            func errors(_ response: OffsetDeleteResponse) -> [ErrorCode] {
                response.topics.flatMap { $0.partitions.map(\.errorCode) }
            }
            #expect(try await client.commit(["t": [0: 5, 1: 6]], group: "g") == [.none, .none])
            #expect(try await client.commit(["u": [0: 7]], group: "g") == [.none])
            #expect(try await delete([("t", [0])], of: "absent").errorCode == .groupIDNotFound)
            let deleted = try await delete([("t", [0, 7]), ("u", [0])], of: "g")
            #expect(deleted.errorCode == .none)
            #expect(errors(deleted) == [.none, .unknownTopicOrPartition, .none])
            #expect(errors(try await delete([("t", [0])], of: "g")) == [.none])
            try await broker.restart()
            client = try await broker.connect()
            #expect(try await client.offsets("t", [0, 1], group: "g", version: 7) == [-1, 6])
            #expect(try await client.offsets("u", [0], group: "g", version: 7) == [-1])

            let subscription = ByteBuffer(bytes: [0, 0, 0, 0, 0, 1, 0, 1, UInt8(ascii: "t"), 0, 0, 0, 0])
            _ = try await client.joinAlone("g", metadata: subscription)
            #expect(try await client.commit(["t": [0: 8]], group: "g") == [.unknownMemberID])
            #expect(errors(try await delete([("t", [1]), ("u", [0])], of: "g")) == [.groupSubscribedToTopic, .none])
            _ = try await client.joinAlone("workers", protocolType: "connect")
            #expect(try await delete([("t", [0])], of: "workers").errorCode == .nonEmptyGroup)
        }
    }

    @Test(
        "an offset whose commit says for how long goes then, and its group with it",
        arguments: 2...4 as ClosedRange<Int16>)
    func expires(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t")
            let request = OffsetCommitRequest { request in
                request.groupID = "g"
                request.generationIDOrMemberEpoch = -1
                request.retentionTimeMs = 1
                request.topics = [
                    OffsetCommitRequest.Topic { wanted in
                        wanted.name = "t"
                        wanted.partitions = [OffsetCommitRequest.Partition { $0.committedOffset = 3 }]
                    }
                ]
            }
            let answer = try await client.send(request, version: version)
            #expect(answer.topics.first?.partitions.first?.errorCode == ErrorCode.none)
            #expect(try await client.commit(["t": [0: 9]], group: "kept") == [.none])
            // What was said is not forgotten by a restart.
            try await broker.restart()
            client = try await broker.connect()
            try await client.alter(.broker, "1", [("offsets.retention.check.interval.ms", 0, "5")])
            while try await client.send(ListGroupsRequest(), version: 4).groups.count > 1 {
                _ = try await client.fetch("t", maxWaitMs: 10, minBytes: 1)
            }
            #expect(try await client.offsets("t", [0], group: "g", version: 7) == [-1])
            #expect(try await client.offsets("t", [0], group: "kept", version: 7) == [9])
            try await broker.restart()
            client = try await broker.connect()
            #expect(try await client.offsets("t", [0], group: "g", version: 7) == [-1])
            #expect(try await client.offsets("t", [0], group: "kept", version: 7) == [9])
        }
    }

    @Test("what a running transaction would commit goes with its group, whatever becomes of the transaction")
    func deletesPending() async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t")
            let producer = try await client.transactional("x")
            #expect(try await client.commit(["t": [0: 1]], group: "g") == [.none])
            #expect(try await producer.commitOffset(5, of: "t", group: "g") == .none)
            let deleted = try await client.send(DeleteGroupsRequest { $0.groupsNames = ["g"] }, version: 2)
            #expect(deleted.results.map(\.errorCode) == [.none])
            #expect(try await producer.end(commit: true) == .none)
            for _ in 0..<2 {
                #expect(try await client.offsets("t", [0], group: "g", version: 7) == [-1])
                try await broker.restart()
                client = try await broker.connect()
            }
        }
    }
}
