import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Records through the broker")
struct RecordsTests {
    @Test("what is produced is fetched, whichever version asks", arguments: [4, 7, 11, 12, 13, 16, 17] as [Int16])
    func producesAndFetches(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let topic = try await client.create("t")
            #expect(try await client.produce(["a", "b"], to: "t").baseOffset == 0)
            #expect(try await client.produce(["c"], to: "t").baseOffset == 2)
            let response = try await client.send(fetchRequest("t", id: topic.topicID), version: version)
            let answer = try #require(response.responses.first?.partitions.first)
            #expect(answer.errorCode == .none)
            #expect(answer.highWatermark == 3)
            #expect(try values(in: answer.records) == ["a", "b", "c"])
        }
    }

    @Test("every version of Produce from 3 on is taken", arguments: 3...12 as ClosedRange<Int16>)
    func producesInAllVersions(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let answer = try await client.produce(["a"], to: "t", version: version)
            #expect(answer.errorCode == .none)
            #expect(answer.baseOffset == 0)
        }
    }

    @Test("a format from before 2017 gets an error, not silence")
    func refusesOldFormats() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let answer = try await client.produce(["a"], to: "t", version: 2)
            #expect(answer.errorCode == .unsupportedForMessageFormat)
        }
    }

    @Test("acks=0 is never answered, and a failure closes the connection")
    func staysSilentForAcksZero() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            try await client.write(produceRequest(records(["a"]), to: "t", acks: 0), version: 9)
            // The next answer on this connection is that of the next request.
            let answer = try await client.produce(["b"], to: "t")
            #expect(answer.baseOffset == 1)
            try await client.write(produceRequest(records(["a"]), to: "nowhere", acks: 0), version: 9)
            try await client.closed()
        }
    }

    @Test("other acks, unknown partitions, internal topics and damaged records are refused by name")
    func refuses() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.produce(["a"], to: "t", acks: 2).errorCode == .invalidRequiredAcks)
            #expect(try await client.produce(["a"], to: "t", partition: 1).errorCode == .unknownTopicOrPartition)
            #expect(try await client.produce(["a"], to: "no").errorCode == .unknownTopicOrPartition)
            var damaged = records(["a"])
            damaged.setInteger(UInt8(0xFF), at: damaged.writerIndex - 1)
            #expect(try await client.produce(damaged, to: "t").errorCode == .corruptMessage)
            let big = String(repeating: "x", count: 1_100_000)
            #expect(try await client.produce([big], to: "t").errorCode == .messageTooLarge)
        }
    }

    @Test("a fetch waits for the first record and answers it at once")
    func waitsForRecords() async throws {
        try await withTestBroker { broker in
            let reader = try await broker.connect()
            let writer = try await broker.connect()
            try await writer.create("t")
            let request = fetchRequest("t", maxWaitMs: 60_000)
            try await reader.write(request, version: 11)
            _ = try await writer.produce(["now"], to: "t")
            let answer = try await reader.receive(FetchRequest.self, version: 11)
            #expect(try values(in: answer.responses.first?.partitions.first?.records) == ["now"])
        }
    }

    @Test("a fetch that finds too little waits for more, up to its time")
    func waitsForEnough() async throws {
        try await withTestBroker { broker in
            let reader = try await broker.connect()
            let writer = try await broker.connect()
            try await writer.create("t")
            _ = try await writer.produce(["a"], to: "t")
            let request = fetchRequest("t", maxWaitMs: 60_000, minBytes: 200)
            try await reader.write(request, version: 11)
            _ = try await writer.produce([String(repeating: "b", count: 200)], to: "t")
            let answer = try await reader.receive(FetchRequest.self, version: 11)
            #expect(try values(in: answer.responses.first?.partitions.first?.records).count == 2)

            let late = try await reader.fetch("t", from: 2, maxWaitMs: 30)
            #expect(late.errorCode == .none)
            #expect(late.records?.readableBytes == 0)
        }
    }

    @Test("a fetch of an older segment is answered with the rest of it, though it is less than wanted")
    func answersOlderSegments() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["segment.bytes": "1024"])
            for number in 0..<3 {
                _ = try await client.produce(["\(number)" + String(repeating: "x", count: 800)], to: "t")
            }
            let answer = try await client.fetch("t", from: 0, maxWaitMs: .max, minBytes: 1 << 20)
            #expect(try values(in: answer.records).map { $0.first } == ["0"])
        }
    }

    @Test("times too far from now are refused, of either kind, unless the log sets the time")
    func refusesStrangeTimes() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            func produce(_ time: Int64) async throws -> ErrorCode {
                var builder = RecordBatchBuilder()
                builder.append(timestamp: time, key: nil, value: ByteBuffer(string: "v"))
                return try await client.produce(try builder.build(), to: "t").errorCode
            }
            let now = wallClock()
            #expect(try await produce(now + 3_000_000) == .none)
            #expect(try await produce(now + 4_000_000) == .invalidTimestamp)
            #expect(try await produce(-1) == .none)
            #expect(try await produce(1) == .none)
            try await client.alter(.topic, "t", [("message.timestamp.before.max.ms", 0, "1000000")])
            #expect(try await produce(now - 2_000_000) == .invalidTimestamp)
            #expect(try await produce(now) == .none)
            try await client.alter(.topic, "t", [("message.timestamp.type", 0, "LogAppendTime")])
            #expect(try await produce(1) == .none)
        }
    }

    @Test("answers keep the order of the requests, past a waiting fetch")
    func keepsOrder() async throws {
        try await withTestBroker { broker in
            let reader = try await broker.connect()
            let writer = try await broker.connect()
            try await writer.create("t")
            try await reader.write(fetchRequest("t", maxWaitMs: 60_000), version: 11, correlationID: 1)
            try await reader.write(MetadataRequest(), version: 9, correlationID: 2)
            _ = try await writer.produce(["a"], to: "t")
            _ = try await reader.receive(FetchRequest.self, version: 11, correlationID: 1)
            _ = try await reader.receive(MetadataRequest.self, version: 9, correlationID: 2)
        }
    }

    @Test("an offset outside the log, a foreign epoch and a wish for a session are answered by name")
    func refusesFetches() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.fetch("t", from: 1, maxWaitMs: 60_000).errorCode == .offsetOutOfRange)
            #expect(try await client.fetch("no", maxWaitMs: 60_000).errorCode == .unknownTopicOrPartition)
            let unknown = try await client.send(fetchRequest("", id: .random(), maxWaitMs: 60_000), version: 13)
            #expect(unknown.responses.first?.partitions.first?.errorCode == .unknownTopicID)
            var request = fetchRequest("t", maxWaitMs: 60_000)
            request.topics[0].partitions[0].currentLeaderEpoch = 5
            let epoch = try await client.send(request, version: 11)
            #expect(epoch.responses.first?.partitions.first?.errorCode == .unknownLeaderEpoch)
            request.sessionID = 9
            #expect(try await client.send(request, version: 11).errorCode == .fetchSessionIDNotFound)
        }
    }

    @Test("the first partition with records gets a batch even beyond the limit, the rest keep to it")
    func keepsLimits() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            for partition: Int32 in [0, 1] {
                _ = try await client.produce(["0123456789"], to: "t", partition: partition)
            }
            var request = fetchRequest("t", maxBytes: 1)
            request.topics[0].partitions.append(request.topics[0].partitions[0])
            request.topics[0].partitions[1].partition = 1
            let answer = try await client.send(request, version: 11)
            let sizes = answer.responses.first?.partitions.map { $0.records?.readableBytes ?? -1 }
            #expect(sizes?.first ?? 0 > 1)
            #expect(sizes?.last == 0)
        }
    }

    @Test("offsets are found at both ends and by time", arguments: [1, 2, 5, 7, 9, 10] as [Int16])
    func listsOffsets(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            var builder = RecordBatchBuilder()
            for time: Int64 in [1000, 3000, 2000] {
                builder.append(timestamp: time, key: nil, value: ByteBuffer(string: "v"))
            }
            _ = try await client.produce(try builder.build(), to: "t")
            func offset(_ time: Int64) async throws -> Int64? {
                let request = ListOffsetsRequest { request in
                    request.replicaID = -1
                    request.topics = [
                        ListOffsetsRequest.Topic { topic in
                            topic.name = "t"
                            topic.partitions = [ListOffsetsRequest.Partition { $0.timestamp = time }]
                        }
                    ]
                }
                let answer = try await client.send(request, version: version)
                #expect(answer.topics.first?.partitions.first?.errorCode == ErrorCode.none)
                return answer.topics.first?.partitions.first?.offset
            }
            #expect(try await offset(-1) == 3)
            #expect(try await offset(-2) == 0)
            #expect(try await offset(1500) == 1)
            #expect(try await offset(9000) == -1)
            if version >= 7 { #expect(try await offset(-3) == 1) }
        }
    }

    @Test("old records go when a topic says so, and stay when nobody does")
    func appliesRetention() async throws {
        func hurry(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("log.retention.check.interval.ms", to: "10")
        }
        try await withTestBroker(hurry) { broker in
            let client = try await broker.connect()
            try await client.create("kept")
            try await client.create("short", configs: ["retention.ms": "1000"])
            for topic in ["kept", "short"] { _ = try await client.produce(["of 2023"], to: topic) }
            while try await client.fetch("short", from: 1).logStartOffset < 1 { await Task.yield() }
            #expect(try await client.fetch("short", from: 0).errorCode == .offsetOutOfRange)
            #expect(try values(in: try await client.fetch("kept").records) == ["of 2023"])
        }
    }

    @Test("an idempotent producer's retry is answered with the first offset and not written twice")
    func dropsDuplicates() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let id = try await client.send(InitProducerIdRequest { $0.transactionalID = nil })
            #expect(id.errorCode == .none)
            func batch(_ sequence: Int32) throws -> ByteBuffer {
                var builder = RecordBatchBuilder(
                    producerID: id.producerID, producerEpoch: id.producerEpoch, baseSequence: sequence)
                builder.append(timestamp: 1, key: nil, value: ByteBuffer(string: "\(sequence)"))
                return try builder.build()
            }
            #expect(try await client.produce(try batch(0), to: "t").baseOffset == 0)
            #expect(try await client.produce(try batch(1), to: "t").baseOffset == 1)
            #expect(try await client.produce(try batch(0), to: "t").baseOffset == 0)
            #expect(try await client.produce(try batch(5), to: "t").errorCode == .outOfOrderSequenceNumber)
            try await broker.restart()
            let again = try await broker.connect()
            #expect(try await again.produce(try batch(1), to: "t").baseOffset == 1)
            #expect(try values(in: try await again.fetch("t").records) == ["0", "1"])
        }
    }

    @Test("many fetches at once on one connection hold no more answers than it may, and each gets on")
    func boundsAnswers() async throws {
        func shrink(_ configuration: inout BrokerConfiguration) throws {
            try configuration.set("queued.max.response.bytes", to: "100000")
        }
        try await withTestBroker(shrink) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let batch = records([String(repeating: "x", count: 10_000)])
            for _ in 0..<40 { #expect(try await client.produce(batch, to: "t").errorCode == ErrorCode.none) }
            var bytes = ByteBuffer()
            for number: Int32 in 0..<12 {
                try fetchRequest("t").encodeFrame(version: 11, correlationID: number, clientID: nil, into: &bytes)
            }
            try await client.channel.writeAndFlush(bytes)
            var sizes: [Int] = []
            for number: Int32 in 0..<12 {
                let answer = try await client.receive(FetchRequest.self, version: 11, correlationID: number)
                sizes.append(answer.responses.first?.partitions.first?.records?.readableBytes ?? 0)
            }
            #expect(sizes.reduce(0, +) <= 100_000 + 12 * batch.readableBytes, "\(sizes)")
            #expect(sizes.allSatisfy { $0 >= batch.readableBytes })
            let after = try await client.fetch("t")
            #expect(after.records?.readableBytes ?? 0 > 80_000)
        }
    }
}
