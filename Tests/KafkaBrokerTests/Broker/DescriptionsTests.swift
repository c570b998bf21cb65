import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("What administrators are told", .timeLimit(.minutes(1)))
struct DescriptionsTests {
    @Test("the cluster is one broker, at the address where it was reached", arguments: 0...2 as ClosedRange<Int16>)
    func cluster(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let cluster = try await client.send(DescribeClusterRequest(), version: version)
            let metadata = try await client.send(MetadataRequest { $0.topics = [] })
            #expect(cluster.clusterID == metadata.clusterID && cluster.controllerID == 1)
            #expect(cluster.brokers.map(\.port) == [Int32(broker.port)] && cluster.brokers.map(\.brokerID) == [1])
            guard version >= 1 else { return }
            for (type, error) in [(2, ErrorCode.mismatchedEndpointType), (9, .unsupportedEndpointType)] {
                let request = DescribeClusterRequest { $0.endpointType = Int8(type) }
                let answer = try await client.send(request, version: version)
                #expect(answer.errorCode == error && answer.brokers.isEmpty)
            }
        }
    }

    @Test(
        "the directory tells each log's size, and of the volume what there is", arguments: 1...4 as ClosedRange<Int16>)
    func logDirectories(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            try await client.create("u")
            let batch = records(["x"])
            _ = try await client.produce(batch, to: "t", partition: 1)
            let all = try await client.send(DescribeLogDirsRequest { $0.topics = nil }, version: version)
            let directory = try #require(all.results.first)
            #expect(directory.logDir == broker.configuration.dataDirectory && directory.errorCode == .none)
            #expect(directory.topics.map(\.name) == ["t", "u"])
            #expect(directory.topics.first?.partitions.map(\.partitionSize) == [0, Int64(batch.readableBytes)])
            #expect((directory.totalBytes > directory.usableBytes && directory.usableBytes > 0) == (version >= 4))
            let some = try await client.send(
                DescribeLogDirsRequest { request in
                    request.topics = ["t", "absent"].map { name in
                        DescribeLogDirsRequest.Topic { wanted in
                            wanted.topic = name
                            wanted.partitions = [1, 7]
                        }
                    }
                }, version: version)
            #expect(some.results.first?.topics.map(\.name) == ["t"])
            #expect(some.results.first?.topics.first?.partitions.map(\.partitionIndex) == [1])
        }
    }

    @Test("producers are told until they have been silent for long, those of an open transaction for longer")
    func producers() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            var builder = RecordBatchBuilder(producerID: 77, producerEpoch: 3, baseSequence: 5)
            builder.append(timestamp: 1_700_000_000_000, key: nil, value: ByteBuffer(string: "v"))
            builder.append(timestamp: 1_700_000_000_001, key: nil, value: ByteBuffer(string: "v"))
            _ = try await client.produce(try builder.build(), to: "t")
            let transactional = try await client.transactional("x")
            #expect(try await transactional.add("t", [0]) == .none)
            #expect(try await transactional.produce("open", to: "t", sequence: 0) == .none)
            let request = DescribeProducersRequest { request in
                request.topics = [
                    DescribeProducersRequest.Topic { wanted in
                        wanted.name = "t"
                        wanted.partitionIndexes = [0, 1]
                    }
                ]
            }
            func ask() async throws -> [DescribeProducersResponse.Partition] {
                try await client.send(request).topics.first?.partitions ?? []
            }
            let found = try await ask()
            #expect(found.map(\.errorCode) == [.none, .unknownTopicOrPartition])
            let states = found[0].activeProducers.sorted { $0.producerEpoch > $1.producerEpoch }
            #expect(states.map(\.producerID) == [77, transactional.producer.id])
            #expect(states.map(\.lastSequence) == [6, 0])
            #expect(states.map(\.currentTxnStartOffset) == [-1, 2])
            #expect(states[0].lastTimestamp == 1_700_000_000_001)

            try await client.alter(.broker, "1", [("producer.id.expiration.ms", 0, "1")])
            try await client.alter(.broker, "1", [("producer.id.expiration.check.interval.ms", 0, "5")])
            while try await ask()[0].activeProducers.count > 1 {
                _ = try await client.fetch("t", from: 3, maxWaitMs: 10, minBytes: 1)
            }
            #expect(try await ask()[0].activeProducers.map(\.producerID) == [transactional.producer.id])
        }
    }

    @Test("transactions are described and listed, by state, producer and time", arguments: 0...1 as ClosedRange<Int16>)
    func transactions(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            let open = try await client.transactional("open")
            let done = try await client.transactional("done")
            _ = try await client.transactional("new")
            #expect(try await open.add("t", [1, 0]) == .none)
            #expect(try await done.add("t", [0]) == .none)
            #expect(try await done.end(commit: false) == .none)
            let ids = ["open", "done", "new", "absent"]
            let described = try await client.send(DescribeTransactionsRequest { $0.transactionalIDs = ids })
                .transactionStates
            #expect(described.map(\.errorCode) == [.none, .none, .none, .transactionalIDNotFound])
            #expect(described.map(\.transactionState) == ["Ongoing", "CompleteAbort", "Empty", ""])
            #expect(described[0].producerID == open.producer.id && described[0].transactionTimeoutMs > 0)
            #expect(described[0].transactionStartTimeMs > 1_700_000_000_000)
            #expect(described[1].transactionStartTimeMs == -1)
            #expect(described[0].topics.map(\.topic) == ["t"] && described[0].topics.map(\.partitions) == [[0, 1]])

            func list(_ change: (inout ListTransactionsRequest) -> Void) async throws -> ListTransactionsResponse {
                var request = ListTransactionsRequest()
                change(&request)
                return try await client.send(request, version: version)
            }
            #expect(try await list { _ in }.transactionStates.map(\.transactionalID) == ["done", "new", "open"])
            let ongoing = try await list { $0.stateFilters = ["Ongoing", "Nonsense"] }
            #expect(ongoing.transactionStates.map(\.transactionalID) == ["open"])
            #expect(ongoing.unknownStateFilters == ["Nonsense"])
            let one = try await list { $0.producerIDFilters = [done.producer.id] }
            #expect(one.transactionStates.map(\.transactionalID) == ["done"])
            guard version >= 1 else { return }
            #expect(try await list { $0.durationFilter = 3_600_000 }.transactionStates.isEmpty)
        }
    }

    @Test("topics are described page by page, however small the pages")
    func topicPages() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            for (name, count) in [("a", 3), ("b", 1), ("c", 4)] as [(String, Int32)] {
                try await client.create(name, partitions: count)
            }
            for limit: Int32 in [0, 1, 2, 3, 4, 5, 8, 100] {
                var request = DescribeTopicPartitionsRequest { $0.responsePartitionLimit = limit }
                var found: [String] = []
                var pages = 0
                while pages < 20 {
                    let page = try await client.send(request)
                    pages += 1
                    let here = page.topics.flatMap { topic in
                        topic.partitions.map { "\(topic.name ?? "")\($0.partitionIndex)" }
                    }
                    #expect(here.count <= max(1, limit))
                    found += here
                    guard let next = page.nextCursor else { break }
                    request.cursor = DescribeTopicPartitionsRequest.Cursor { cursor in
                        cursor.topicName = next.topicName
                        cursor.partitionIndex = next.partitionIndex
                    }
                }
                #expect(found == ["a0", "a1", "a2", "b0", "c0", "c1", "c2", "c3"], "limit \(limit)")
            }
            let named = try await client.send(
                DescribeTopicPartitionsRequest { request in
                    request.topics = ["c", "absent", "no/name"].map { name in
                        DescribeTopicPartitionsRequest.Topic { $0.name = name }
                    }
                })
            #expect(named.topics.map(\.name) == ["absent", "c", "no/name"])
            #expect(named.topics.map(\.errorCode) == [.unknownTopicOrPartition, .none, .invalidTopic])
            #expect(named.topics[1].partitions.map(\.leaderID) == [1, 1, 1, 1])
        }
    }
}
