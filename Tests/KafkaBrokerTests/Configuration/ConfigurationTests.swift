import KafkaLog
import Testing

@testable import KafkaBroker

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "addresses are read in every usual form",
        arguments: [
            ("127.0.0.1:9092", "127.0.0.1", 9092), ("localhost:0", "localhost", 0), ("[::1]:5", "::1", 5),
        ])
    func readsAddresses(text: String, host: String, port: Int) throws {
        let address = try #require(HostAndPort(text))
        #expect(address == HostAndPort(host: host, port: port))
        #expect(address.description == text)
        #expect(address.isLoopback)
    }

    @Test(
        "what is no address is refused", arguments: ["", ":", "host", "host:", ":9092", "host:70000", "::1:5", "a:-1"])
    func refusesAddresses(text: String) {
        #expect(HostAndPort(text) == nil)
    }

    @Test("properties have Kafka's names")
    func setsProperties() throws {
        var configuration = BrokerConfiguration(dataDirectory: "d")
        try configuration.set("num.partitions", to: "7")
        try configuration.set("auto.create.topics.enable", to: "false")
        try configuration.set("group.initial.rebalance.delay.ms", to: "3000")
        try configuration.set("log.retention.ms", to: "-1")
        #expect(configuration.defaultPartitions == 7)
        #expect(!configuration.autoCreateTopics)
        #expect(configuration.groupInitialRebalanceDelay == 3000)
        #expect(configuration.topicDefaults == ["retention.ms": "-1"])
    }

    @Test(
        "a mistake is answered with what to write instead",
        arguments: [
            ("num.partitons", "1", "num.partitions"), ("log.retention.mss", "1", "log.retention.ms"),
            ("num.partitions", "none", "whole number from 1"),
            ("auto.create.topics.enable", "yes", "true or false"), ("default.replication.factor", "3", "from 1 to 1"),
            ("log.cleanup.policy", "keep", "delete, compact"),
        ])
    func explainsMistakes(name: String, value: String, hint: String) {
        var configuration = BrokerConfiguration(dataDirectory: "d")
        do {
            try configuration.set(name, to: value)
            Issue.record("\(name)=\(value) was taken")
        } catch {
            #expect("\(error)".contains(hint), "\(error)")
        }
    }

    @Test("a topic's own properties win over the broker's, and these over Kafka's defaults")
    func resolvesTopicProperties() {
        let topic = TopicConfiguration(
            overrides: ["retention.ms": "5"], defaults: ["retention.ms": "4", "segment.bytes": "2048"])
        #expect(topic["retention.ms"] == "5")
        #expect(topic["segment.bytes"] == "2048")
        #expect(topic["cleanup.policy"] == "delete")
        #expect(topic.log.segmentBytes == 2048)
        #expect(topic.log.retentionMilliseconds == 5)
        #expect(!topic.log.isCompacted)
    }
}
