import CRDKafka
import Foundation
import KafkaClient
import Logging
import Testing
import TidingsTesting

/// The Kafkas that tests run against: the one that `KAFKA=host:port` names, or else librdkafka's mock cluster and the
/// embedded broker.
enum TestKafka: Sendable, CustomTestStringConvertible {
    case mock
    case embedded
    case external(String)

    static let all: [TestKafka] = address.map { [.external($0)] } ?? [.mock, .embedded]
    /// Those that answer admin requests and all of the group protocol.
    static let complete: [TestKafka] = address.map { [.external($0)] } ?? [.embedded]

    /// Set but empty is not set.
    private static var address: String? {
        ProcessInfo.processInfo.environment["KAFKA"].flatMap { $0.isEmpty ? nil : $0 }
    }

    var testDescription: String {
        switch self {
        case .mock: "librdkafka's mock"
        case .embedded: "the embedded broker"
        case .external(let bootstrap): bootstrap
        }
    }
}

/// A Kafka for one test.
struct TestCluster: Sendable {
    let bootstrap: String
    private let mock: Mock?

    init(bootstrap: String, mock: Mock? = nil) {
        self.bootstrap = bootstrap
        self.mock = mock
    }

    /// `DEBUG` is librdkafka's property of that name, for instance `cgrp,consumer`.
    var kafka: KafkaConfiguration {
        var kafka = KafkaConfiguration(bootstrap, clientID: "tests")
        kafka.properties["debug"] = ProcessInfo.processInfo.environment["DEBUG"]
        return kafka
    }

    /// Silent unless `VERBOSE` is set.
    static var logger: Logger {
        var logger = Logger(label: "tests")
        logger.logLevel = ProcessInfo.processInfo.environment["VERBOSE"] == nil ? .critical : .debug
        return logger
    }

    var logger: Logger { Self.logger }

    /// A new topic with a name of its own.
    func topic(_ name: String, partitions: Int32) async throws -> String {
        let name = "\(name)-\(UUID().uuidString.prefix(8))"
        if let mock {
            rd_kafka_mock_topic_create(mock.cluster, name, partitions, 1)
        } else {
            let admin = try Admin(kafka, logger: logger)
            try await admin.createTopics([TopicSpecification(name, partitions: partitions)])
        }
        return name
    }

    /// Fills a topic: each partition gets `count` records, whose values are their places in it.
    func fill(_ topic: String, partitions: Int32, count: Int) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: logger)
        for partition in 0..<partitions {
            let reports = try await producer.send(
                (0..<count).map { ProducerMessage(topic: topic, partition: partition, value: Array("\($0)".utf8)) })
            for report in reports { _ = try report.get() }
        }
    }

    /// librdkafka's mock cluster, which knows no admin requests: topics are made in it directly.
    /// `@unchecked Sendable`: its functions may be called on any thread.
    struct Mock: @unchecked Sendable {
        let cluster: OpaquePointer
        let bootstrap: String
        private let handle: OpaquePointer?

        /// One for all tests; it lives as long as the process.
        static let shared = Mock()

        init() {
            let configuration = rd_kafka_conf_new()
            rd_kafka_conf_set(configuration, "test.mock.num.brokers", "1", nil, 0)
            rd_kafka_conf_set_log_cb(configuration, nil)
            let handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0)
            guard let cluster = rd_kafka_handle_mock_cluster(handle),
                let address = rd_kafka_mock_cluster_bootstraps(cluster)
            else {
                preconditionFailure("librdkafka gave no mock cluster")
            }
            self.cluster = cluster
            self.handle = handle
            bootstrap = String(cString: address)
        }

        /// Ends it; nobody may use it any more.
        func remove() {
            rd_kafka_destroy(handle)
        }
    }
}

/// Runs `body` with a Kafka: a broker of its own, the shared mock, or the external one.
func withCluster(_ kafka: TestKafka, _ body: @Sendable (TestCluster) async throws -> Void) async throws {
    switch kafka {
    case .external(let bootstrap): try await body(TestCluster(bootstrap: bootstrap))
    case .mock:
        let mock = TestCluster.Mock.shared
        try await body(TestCluster(bootstrap: mock.bootstrap, mock: mock))
    case .embedded:
        try await withBroker { try await body(TestCluster(bootstrap: $0.bootstrap)) }
    }
}

/// Runs `body` with a mock cluster of its own, whose requests it can make fail.
func withMock(_ body: @Sendable (TestCluster, TestCluster.Mock) async throws -> Void) async throws {
    let mock = TestCluster.Mock()
    defer { mock.remove() }
    try await body(TestCluster(bootstrap: mock.bootstrap, mock: mock), mock)
}

/// The threads of this process that belong to Kafka clients, by their numbers. librdkafka names its own `rdk:…`.
func kafkaThreads(named prefixes: [String] = ["rdk:", "kafka-"]) -> Set<String> {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return Set(
        tasks.filter { task in
            let name = (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) ?? ""
            return prefixes.contains { name.hasPrefix($0) }
        })
}
