import CRDKafka
import Foundation
import KafkaClient
import Logging
import Synchronization

/// A Kafka for the tests: the one that `KAFKA=host:port` names, or librdkafka's mock cluster in this process.
final class TestCluster: Sendable {
    /// The cluster that all tests share.
    static let shared = TestCluster()

    let bootstrap: String
    /// librdkafka's mock knows no admin requests; topics are made in it directly.
    let isMock: Bool
    private let mock: Mock?

    private struct Mock: @unchecked Sendable {
        let cluster: OpaquePointer
    }

    private init() {
        if let external = ProcessInfo.processInfo.environment["KAFKA"] {
            bootstrap = external
            isMock = false
            mock = nil
            return
        }
        let configuration = rd_kafka_conf_new()
        rd_kafka_conf_set(configuration, "test.mock.num.brokers", "1", nil, 0)
        let handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0)
        guard let cluster = rd_kafka_handle_mock_cluster(handle),
            let address = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            preconditionFailure("librdkafka gave no mock cluster")
        }
        bootstrap = String(cString: address)
        isMock = true
        mock = Mock(cluster: cluster)
    }

    var kafka: KafkaConfiguration { KafkaConfiguration(bootstrap, clientID: "tests") }

    var logger: Logger {
        var logger = Logger(label: "tests")
        logger.logLevel = ProcessInfo.processInfo.environment["VERBOSE"] == nil ? .critical : .debug
        return logger
    }

    /// A new topic with a name of its own.
    func topic(_ name: String, partitions: Int32) async throws -> String {
        let name = "\(name)-\(UUID().uuidString.prefix(8))"
        if let mock {
            rd_kafka_mock_topic_create(mock.cluster, name, partitions, 1)
        } else {
            let admin = try Admin(kafka, logger: logger)
            try await admin.createTopics([TopicSpecification(name, partitions: partitions, replicationFactor: 1)])
        }
        return name
    }
}
