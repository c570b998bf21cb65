import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Properties described and altered", .timeLimit(.minutes(1)))
struct ConfigsTests {
    private typealias Step = (String, Int8, String?)

    @Test(
        "every value is told with its type, where it comes from and what it overrides",
        arguments: 1...4 as ClosedRange<Int16>)
    func describes(version: Int16) async throws {
        try await withTestBroker({ try $0.set("log.retention.ms", to: "5000") }) { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["segment.bytes": "4096", "cleanup.policy": "compact"])
            try await client.alter(.broker, "1", [("log.segment.bytes", 0, "65536")])
            try await client.alter(.broker, "", [("log.segment.bytes", 0, "32768")])
            let all = try await client.describe(.topic, "t", version: version)
            #expect(Set(all.keys) == Set(TopicProperty.byName.keys))
            let segment = try #require(all["segment.bytes"])
            #expect(segment.value == "4096" && segment.configSource == 1 && !segment.readOnly)
            #expect(segment.synonyms.map(\.source) == [1, 2, 3, 5])
            #expect(segment.synonyms.map(\.value) == ["4096", "65536", "32768", "1073741824"])
            #expect(segment.synonyms.map(\.name) == ["segment.bytes"] + Array(repeating: "log.segment.bytes", count: 3))
            let retention = try #require(all["retention.ms"])
            #expect(retention.value == "5000" && retention.configSource == 4)
            #expect(all["max.message.bytes"]?.configSource == 5)
            let types = ["segment.bytes", "retention.ms", "cleanup.policy", "min.cleanable.dirty.ratio", "preallocate"]
            #expect(types.map { all[$0]?.configType } == (version >= 3 ? [3, 5, 7, 6, 1] : [0, 0, 0, 0, 0]))
            #expect((retention.documentation?.isEmpty == false) == (version >= 3))

            let brief = try await client.describe(.topic, "t", ["segment.bytes"], details: false, version: version)
            #expect(brief.keys.sorted() == ["segment.bytes"])
            #expect(brief["segment.bytes"]?.synonyms.isEmpty == true)

            let node = try await client.describe(.broker, "1", version: version)
            #expect(node["node.id"]?.readOnly == true && node["node.id"]?.value == "1")
            #expect(node["log.dirs"]?.value == broker.configuration.dataDirectory)
            #expect(node["log.segment.bytes"]?.value == "65536" && node["log.segment.bytes"]?.configSource == 2)
            #expect(node["log.cleaner.backoff.ms"]?.readOnly == false)
            let cluster = try await client.describe(.broker, "", version: version)
            #expect(cluster.mapValues(\.value) == ["log.segment.bytes": "32768"])
        }
    }

    @Test("who makes a topic is told its properties", arguments: [false, true])
    func tellsTheMaker(onlyValidates: Bool) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let request = CreateTopicsRequest { request in
                request.validateOnly = onlyValidates
                request.topics = [
                    CreateTopicsRequest.Topic { wanted in
                        wanted.name = "t"
                        wanted.numPartitions = 3
                        wanted.replicationFactor = 1
                        wanted.configs = [
                            CreateTopicsRequest.Config { config in
                                config.name = "segment.ms"
                                config.value = "77"
                            }
                        ]
                    }
                ]
            }
            let topic = try #require(try await client.send(request, version: 7).topics.first)
            #expect(topic.numPartitions == 3 && topic.replicationFactor == 1)
            let configs = Dictionary(uniqueKeysWithValues: (topic.configs ?? []).map { ($0.name, $0) })
            #expect(configs["segment.ms"]?.value == "77" && configs["segment.ms"]?.configSource == 1)
            #expect(configs["retention.ms"]?.value == "-1" && configs["retention.ms"]?.configSource == 5)
        }
    }

    @Test("version 0 tells of each value whether it is the default")
    func describesToOldClients() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["retention.ms": "1000"])
            let all = try await client.describe(.topic, "t", version: 0)
            #expect(all["retention.ms"]?.value == "1000" && all["retention.ms"]?.isDefault == false)
            #expect(all["segment.bytes"]?.value == "1073741824" && all["segment.bytes"]?.isDefault == true)
        }
    }

    @Test("what does not exist or makes no sense is refused, and nothing of its resource changes")
    func refuses() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["retention.ms": "1000"])
            func alter(_ type: ResourceType, _ name: String, _ steps: [Step]) async throws -> ErrorCode {
                try await client.alter(type, name, steps)
            }
            #expect(try await alter(.topic, "absent", [("retention.ms", 0, "1")]) == .unknownTopicOrPartition)
            #expect(try await alter(.topic, "t", [("retention.ms", 0, "2"), ("no.such", 0, "1")]) == .invalidConfig)
            #expect(try await alter(.topic, "t", [("retention.ms", 0, "soon")]) == .invalidConfig)
            #expect(try await alter(.topic, "t", [("retention.ms", 2, "1")]) == .invalidConfig)
            #expect(try await alter(.topic, "t", [("retention.ms", 0, nil)]) == .invalidRequest)
            #expect(try await alter(.topic, "t", [("retention.ms", 7, "1")]) == .invalidRequest)
            #expect(
                try await alter(.topic, "t", [("retention.ms", 0, "1"), ("retention.ms", 0, "2")]) == .invalidRequest)
            let lags: [Step] = [("min.compaction.lag.ms", 0, "2"), ("max.compaction.lag.ms", 0, "1")]
            #expect(try await alter(.topic, "t", lags) == .invalidConfig)
            #expect(try await client.describe(.topic, "t")["retention.ms"]?.value == "1000")
            #expect(try await alter(.broker, "2", [("num.partitions", 0, "2")]) == .invalidRequest)
            #expect(try await alter(.broker, "one", [("num.partitions", 0, "2")]) == .invalidRequest)
            #expect(try await alter(.broker, "1", [("num.io.threads", 0, "2")]) == .invalidRequest)
            #expect(try await alter(.broker, "1", [("num.partitions", 0, "0")]) == .invalidRequest)
            let sessions: [Step] = [("group.min.session.timeout.ms", 0, "1800001")]
            #expect(try await alter(.broker, "1", sessions) == .invalidRequest)
            #expect(try await alter(.logger, "1", [("root", 0, "DEBUG")]) == .invalidRequest)
            let twice = IncrementalAlterConfigsRequest { request in
                request.resources = [request, request].map { _ in
                    IncrementalAlterConfigsRequest.Resource { resource in
                        resource.resourceType = 2
                        resource.resourceName = "t"
                    }
                }
            }
            #expect(try await client.send(twice).responses.map(\.errorCode) == [.invalidRequest, .invalidRequest])
            let absent = try await client.describeResult(.topic, "absent")
            #expect(absent.errorCode == .unknownTopicOrPartition && absent.configs.isEmpty)
        }
    }

    @Test(
        "single properties are set, deleted, appended to and subtracted from, for good",
        arguments: 0...1 as ClosedRange<Int16>)
    func altersOneByOne(version: Int16) async throws {
        try await withTestBroker { broker in
            var client = try await broker.connect()
            try await client.create("t", configs: ["retention.ms": "1000", "retention.bytes": "7"])
            let steps: [Step] = [
                ("retention.ms", 1, nil), ("cleanup.policy", 2, "compact"), ("segment.ms", 0, "60000"),
            ]
            #expect(try await client.alter(.topic, "t", steps, onlyValidate: true, version: version) == .none)
            #expect(try await client.describe(.topic, "t")["cleanup.policy"]?.value == "delete")
            #expect(try await client.alter(.topic, "t", steps, version: version) == .none)
            #expect(try await client.alter(.broker, "1", [("num.partitions", 0, "3")], version: version) == .none)
            for _ in 0..<2 {
                let now = try await client.describe(.topic, "t")
                #expect(now["retention.ms"]?.configSource == 5 && now["retention.bytes"]?.value == "7")
                #expect(now["cleanup.policy"]?.value == "delete,compact" && now["segment.ms"]?.value == "60000")
                #expect(try await client.describe(.broker, "1")["num.partitions"]?.value == "3")
                try await broker.restart()
                client = try await broker.connect()
            }
            try await client.alter(.topic, "t", [("cleanup.policy", 3, "delete")], version: version)
            #expect(try await client.describe(.topic, "t")["cleanup.policy"]?.value == "compact")
            #expect(try await client.create("three", partitions: -1).numPartitions == 3)
        }
    }

    @Test("replacing takes everything back that is not named", arguments: 0...2 as ClosedRange<Int16>)
    func replaces(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["retention.ms": "1000", "segment.ms": "7"])
            func replace(_ type: ResourceType, _ name: String, _ properties: [String: String?]) async throws
                -> ErrorCode
            {
                let request = AlterConfigsRequest { request in
                    request.resources = [
                        AlterConfigsRequest.Resource { resource in
                            resource.resourceType = type.rawValue
                            resource.resourceName = name
                            resource.configs = properties.map { name, value in
                                AlterConfigsRequest.Config { config in
                                    config.name = name
                                    config.value = value
                                }
                            }
                        }
                    ]
                }
                return try await client.send(request, version: version).responses.first?.errorCode
                    ?? .unknownServerError
            }
            #expect(try await replace(.topic, "t", ["segment.ms": "9"]) == .none)
            let topic = try await client.describe(.topic, "t")
            #expect(topic["segment.ms"]?.value == "9" && topic["retention.ms"]?.configSource == 5)
            #expect(try await replace(.topic, "t", ["segment.ms": nil]) == .invalidRequest)
            #expect(try await replace(.broker, "1", ["num.partitions": "2", "log.retention.ms": "5"]) == .none)
            #expect(try await replace(.broker, "1", ["log.retention.ms": "6"]) == .none)
            let node = try await client.describe(.broker, "1")
            #expect(node["num.partitions"]?.configSource == 5 && node["log.retention.ms"]?.value == "6")
            #expect(try await client.describe(.topic, "t")["retention.ms"]?.configSource == 2)
        }
    }

    @Test("open partitions work by the new properties at once, the topic's own and the broker's")
    func reachesOpenLogs() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let big = String(repeating: "x", count: 5000)
            #expect(try await client.produce([big], to: "t").errorCode == .none)
            try await client.alter(.topic, "t", [("max.message.bytes", 0, "1000")])
            #expect(try await client.produce([big], to: "t").errorCode == .messageTooLarge)
            try await client.alter(.topic, "t", [("max.message.bytes", 1, nil)])
            #expect(try await client.produce([big], to: "t").errorCode == .none)
            try await client.alter(.broker, "", [("message.max.bytes", 0, "1000")])
            #expect(try await client.produce([big], to: "t").errorCode == .messageTooLarge)
            try await client.alter(.broker, "", [("message.max.bytes", 1, nil)])

            #expect(try await client.produce(["x"], to: "t").logAppendTimeMs == -1)
            try await client.alter(.topic, "t", [("message.timestamp.type", 0, "LogAppendTime")])
            #expect(try await client.produce(["x"], to: "t").logAppendTimeMs > 1_700_000_000_000)
            try await client.alter(.topic, "t", [("cleanup.policy", 0, "compact")])
            #expect(try await client.produce(["without key"], to: "t").errorCode == .invalidRecord)
            #expect(try await client.fetch("t").highWatermark == 4)
        }
    }

    @Test("the interval of retention is altered while the broker runs")
    func altersTheInterval() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", configs: ["segment.bytes": "1024", "retention.ms": "1"])
            for _ in 0..<3 { _ = try await client.produce([String(repeating: "x", count: 800)], to: "t") }
            try await client.alter(.broker, "1", [("log.retention.check.interval.ms", 0, "5")])
            var start: Int64 = 0
            while start < 3 {
                start = try await client.fetch("t", from: 3, maxWaitMs: 20, minBytes: 1 << 20).logStartOffset
            }
            // Parked for long; the shorter interval counts from the last turn.
            try await client.alter(.broker, "1", [("log.retention.check.interval.ms", 0, "\(Int32.max)")])
            try await client.alter(.broker, "1", [("log.retention.check.interval.ms", 0, "5")])
            _ = try await client.produce(["y"], to: "t")
            while start < 4 {
                start = try await client.fetch("t", from: 4, maxWaitMs: 20, minBytes: 1 << 20).logStartOffset
            }
        }
    }

    @Test("a change that cannot be written is refused and not in force")
    func survivesAFullDisk() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            files.capacity = files.bytesUsed
            #expect(try await client.alter(.topic, "t", [("retention.ms", 0, "1")]) == .kafkaStorageError)
            #expect(try await client.alter(.broker, "1", [("num.partitions", 0, "2")]) == .kafkaStorageError)
            #expect(try await client.addPartitions("t", to: 2) == .kafkaStorageError)
            files.capacity = nil
            #expect(try await client.describe(.topic, "t")["retention.ms"]?.configSource == 5)
            #expect(try await client.describe(.broker, "1")["num.partitions"]?.configSource == 5)
            #expect(try await client.addPartitions("t", to: 2) == .none)
        }
    }
}
