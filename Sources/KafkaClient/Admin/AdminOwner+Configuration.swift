import CRDKafka

extension AdminOwner {
    func describeConfigurations(
        _ topics: [String], timeout: Duration,
        answer: @escaping (Result<[String: [TopicProperty]], any Error>) -> Void
    ) {
        var native: [OpaquePointer?] = topics.map { rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0) }
        defer { for resource in native { rd_kafka_ConfigResource_destroy(resource) } }
        request(
            RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "asking for properties", timeout: timeout, answer: answer,
            read: { event in
                var count = 0
                let resources = rd_kafka_DescribeConfigs_result_resources(
                    rd_kafka_event_DescribeConfigs_result(event), &count)
                var properties: [String: [TopicProperty]] = [:]
                for index in 0..<count {
                    guard let resource = resources?[index] else { continue }
                    try Self.check(resource)
                    properties[Self.text(rd_kafka_ConfigResource_name(resource))] = Self.properties(of: resource)
                }
                return properties
            },
            send: { rd_kafka_DescribeConfigs(handle.pointer, &native, native.count, $0, queue) })
    }

    /// Replaces all properties that a topic has of its own: what is not named returns to its default.
    func replaceConfiguration(
        _ topic: String, with properties: [String: String], validatesOnly: Bool, timeout: Duration,
        answer: @escaping (Result<Void, any Error>) -> Void
    ) {
        var native = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { rd_kafka_ConfigResource_destroy(native) }
        for (name, value) in properties { _ = rd_kafka_ConfigResource_set_config(native, name, value) }
        request(
            RD_KAFKA_ADMIN_OP_ALTERCONFIGS, "setting properties", timeout: timeout, validatesOnly: validatesOnly,
            answer: answer,
            read: { event in
                var count = 0
                let resources = rd_kafka_AlterConfigs_result_resources(
                    rd_kafka_event_AlterConfigs_result(event), &count)
                for index in 0..<count {
                    if let resource = resources?[index] { try Self.check(resource) }
                }
            },
            send: { rd_kafka_AlterConfigs(handle.pointer, &native, 1, $0, queue) })
    }

    private static func check(_ resource: OpaquePointer) throws {
        let code = rd_kafka_ConfigResource_error(resource)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        let reason = text(rd_kafka_ConfigResource_error_string(resource))
        let name = "topic '\(text(rd_kafka_ConfigResource_name(resource)))'"
        throw KafkaError(code, reason.isEmpty ? name : "\(name) (\(reason))")
    }

    private static func properties(of resource: OpaquePointer) -> [TopicProperty] {
        var count = 0
        guard let entries = rd_kafka_ConfigResource_configs(resource, &count) else { return [] }
        return (0..<count).map { index in
            let entry = entries[index]
            let isSensitive = rd_kafka_ConfigEntry_is_sensitive(entry) == 1
            return TopicProperty(
                name: text(rd_kafka_ConfigEntry_name(entry)),
                value: isSensitive ? nil : rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) },
                source: TopicProperty.Source(rd_kafka_ConfigEntry_source(entry)),
                isReadOnly: rd_kafka_ConfigEntry_is_read_only(entry) == 1)
        }.sorted { $0.name < $1.name }
    }
}

extension TopicProperty.Source {
    init(_ native: rd_kafka_ConfigSource_t) {
        switch native {
        case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG: self = .topic
        case RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG, RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG,
            RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG:
            self = .broker
        case RD_KAFKA_CONFIG_SOURCE_DEFAULT_CONFIG: self = .default
        default: self = .unknown
        }
    }
}
