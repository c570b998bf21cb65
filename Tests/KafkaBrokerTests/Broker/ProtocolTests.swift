import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("The protocol at the edge")
struct ProtocolTests {
    @Test("ApiVersions tells what the table of routes holds", arguments: 0...4 as ClosedRange<Int16>)
    func tellsVersions(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let answer = try await client.send(ApiVersionsRequest(), version: version)
            #expect(answer.errorCode == .none)
            #expect(answer.apiKeys.count == Route.all.count)
            let produce = answer.apiKeys.first { $0.apiKey == .produce }
            #expect(produce?.minVersion == 0)
            #expect(produce?.maxVersion == 12)
        }
    }

    @Test("an unknown version of ApiVersions is answered in version 0 with the range")
    func answersFutureVersions() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            // Length, key 18, version 99, correlation 5, then a body that nobody can read.
            try await client.write(bytes: [0, 0, 0, 14, 0, 18, 0, 99, 0, 0, 0, 5, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            var frame = try await client.receiveFrame()
            #expect(frame.readInteger(as: Int32.self) == 5)
            let answer = try ApiVersionsResponse.decode(version: 0, from: &frame)
            #expect(answer.errorCode == .unsupportedVersion)
            #expect(answer.apiKeys.map(\.apiKey) == [.apiVersions])
            #expect(answer.apiKeys.first?.maxVersion == 4)
            #expect(try await client.send(ApiVersionsRequest(), version: 4).errorCode == .none)
        }
    }

    @Test(
        "whatever makes no sense closes that connection and no other",
        arguments: [
            [0, 0, 0, 8, 0, 99, 0, 0, 0, 0, 0, 5],  // an unknown API
            [0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 5, 0xFF, 0xFF],  // an unknown version of Metadata
            [0x7F, 0xFF, 0xFF, 0xFF],  // two gigabytes announced
            [0xFF, 0xFF, 0xFF, 0xFF],  // a negative length
            [0, 0, 0, 2, 0, 3],  // a header cut short
            [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 5, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF],  // a list of 2^31 topics
        ] as [[UInt8]])
    func closesOnNonsense(bytes: [UInt8]) async throws {
        try await withTestBroker { broker in
            let bystander = try await broker.connect()
            let client = try await broker.connect()
            try await client.write(bytes: bytes)
            try await client.closed()
            #expect(try await bystander.send(ApiVersionsRequest(), version: 3).errorCode == .none)
        }
    }

    @Test("a flood of requests behind a waiting fetch is held back, and answered in order once it is over")
    func holdsBackFloods() async throws {
        func narrow(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("max.in.flight.requests.per.connection", to: "3")
        }
        try await withTestBroker(narrow) { broker in
            let writer = try await broker.connect()
            try await writer.create("t")
            let client = try await broker.connect()
            try await client.write(fetchRequest("t", maxWaitMs: 60_000), version: 11, correlationID: 0)
            let count: Int32 = 500
            let body = records([String(repeating: "x", count: 10_000)])
            var requests = ByteBuffer()
            for number in 1...count {
                try produceRequest(body, to: "other")
                    .encodeFrame(version: 9, correlationID: number, clientID: nil, into: &requests)
            }
            let flood = requests
            async let written: Void = client.channel.writeAndFlush(flood)
            _ = try await writer.produce(["go"], to: "t")
            _ = try await client.receive(FetchRequest.self, version: 11, correlationID: 0)
            for number in 1...count {
                _ = try await client.receive(ProduceRequest.self, version: 9, correlationID: number)
            }
            try await written
        }
    }

    @Test("a connection that asks nothing for long is closed, one that waits for an answer is not")
    func closesIdleConnections() async throws {
        func hurry(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("connections.max.idle.ms", to: "1000")
        }
        try await withTestBroker(hurry) { broker in
            try await broker.connect().create("t")
            let waiting = try await broker.connect()
            try await waiting.write(fetchRequest("t", maxWaitMs: 2_000), version: 11)
            let idle = try await broker.connect()
            try await idle.closed()
            let answer = try await waiting.receive(FetchRequest.self, version: 11)
            #expect(answer.errorCode == .none)
        }
    }

    @Test("metadata names one broker, the cluster and the topic's id, and keeps them over a restart")
    func keepsIdentity() async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            let id = try await client.create("t", partitions: 3).topicID
            let request = MetadataRequest { request in
                request.topics = [
                    MetadataRequest.Topic {
                        $0.topicID = id; $0.name = nil
                    }
                ]
            }
            let before = try await client.send(request, version: 12)
            try await broker.restart()
            client = try await broker.connect()
            let after = try await client.send(request, version: 12)
            #expect(before.clusterID?.count == 22)
            #expect(before.clusterID == after.clusterID)
            #expect(after.brokers.first?.port == Int32(broker.port))
            #expect(after.topics.first?.name == "t")
            #expect(after.topics.first?.partitions.count == 3)
            #expect(after.topics.first?.partitions.allSatisfy { $0.leaderID == 1 && $0.leaderEpoch == 0 } == true)
        }
    }

    @Test(
        "every version of Metadata makes a missing topic, unless told not to", arguments: 0...13 as ClosedRange<Int16>)
    func createsOnDemand(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let wanted = MetadataRequest { request in
                request.topics = [MetadataRequest.Topic { $0.name = "new" }]
            }
            if version >= 4 {
                var polite = wanted
                polite.allowAutoTopicCreation = false
                let refused = try await client.send(polite, version: version)
                #expect(refused.topics.first?.errorCode == .unknownTopicOrPartition)
            }
            let made = try await client.send(wanted, version: version)
            #expect(made.topics.first?.errorCode == ErrorCode.none)
            #expect(made.topics.first?.partitions.count == 4)
        }
    }

    @Test("auto-creation can be switched off, and impossible names are refused")
    func refusesTopics() async throws {
        try await withTestBroker {
            try $0.set("auto.create.topics.enable", to: "false")
        } _: { broker in
            let client = try await broker.connect()
            let answer = try await client.send(
                MetadataRequest { request in
                    request.topics = ["new", "not a name", ""].map { name in
                        MetadataRequest.Topic { $0.name = name }
                    }
                }, version: 9)
            #expect(answer.topics.map(\.errorCode) == [.unknownTopicOrPartition, .invalidTopic, .invalidTopic])
        }
    }

    @Test("topics are made and removed with reasons when not", arguments: 0...7 as ClosedRange<Int16>)
    func createsTopics(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            func create(_ change: (inout CreateTopicsRequest.Topic) -> Void) async throws -> ErrorCode? {
                let request = CreateTopicsRequest { request in
                    request.topics = [
                        CreateTopicsRequest.Topic { topic in
                            topic.name = "t"
                            topic.numPartitions = 2
                            topic.replicationFactor = 1
                            change(&topic)
                        }
                    ]
                }
                return try await client.send(request, version: version).topics.first?.errorCode
            }
            #expect(try await create { $0.replicationFactor = 3 } == .invalidReplicationFactor)
            #expect(try await create { $0.numPartitions = 0 } == .invalidPartitions)
            #expect(try await create { $0.name = "a/b" } == .invalidTopic)
            #expect(try await create { $0.name = "__consumer_offsets" } == .invalidTopic)
            #expect(
                try await create {
                    $0.configs = [
                        .init {
                            $0.name = "no.such"; $0.value = "1"
                        }
                    ]
                } == .invalidConfig)
            #expect(
                try await create {
                    $0.configs = [
                        .init {
                            $0.name = "retention.ms"; $0.value = "x"
                        }
                    ]
                }
                    == .invalidConfig)
            #expect(
                try await create {
                    $0.configs = [
                        .init {
                            $0.name = "retention.ms"; $0.value = "1"
                        },
                        .init {
                            $0.name = "compression.type"; $0.value = "lz4"
                        },
                    ]
                } == ErrorCode.none)
            #expect(try await create { _ in } == .topicAlreadyExists)
        }
    }

    @Test("a topic made anew has another id and none of the old records or offsets")
    func neverReusesIDs() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let first = try await client.create("t").topicID
            _ = try await client.produce(["old"], to: "t")
            let deleted = try await client.send(DeleteTopicsRequest { $0.topicNames = ["t"] }, version: 5)
            #expect(deleted.responses.first?.errorCode == ErrorCode.none)
            let again = try await client.send(DeleteTopicsRequest { $0.topicNames = ["t"] }, version: 5)
            #expect(again.responses.first?.errorCode == .unknownTopicOrPartition)
            let second = try await client.create("t").topicID
            #expect(first != second)
            #expect(try await client.fetch("t").highWatermark == 0)
            let stale = try await client.send(fetchRequest("", id: first), version: 13)
            #expect(stale.responses.first?.partitions.first?.errorCode == .unknownTopicID)
        }
    }
}
