import CRDKafka

extension AdminOwner {
    /// Asks a broker for topics, nil for all of them. Blocks.
    func metadata(_ topics: [String]?, timeout: Duration) throws -> ClusterMetadata {
        let milliseconds = Int32(clamping: timeout.milliseconds)
        guard let topics else { return try metadata(all: 1, topic: nil, milliseconds) }
        guard !topics.isEmpty else { return try metadata(all: 0, topic: nil, milliseconds) }
        var brokers: [ClusterMetadata.Broker] = []
        var found: [ClusterMetadata.Topic] = []
        for name in topics {
            // Only a handle's own topic can be asked for alone; it is known to nobody else.
            guard let topic = rd_kafka_topic_new(handle.pointer, name, nil) else {
                throw KafkaError(.invalidConfiguration, "'\(name)' is no topic's name")
            }
            defer { rd_kafka_topic_destroy(topic) }
            let one = try metadata(all: 0, topic: topic, milliseconds)
            brokers = one.brokers
            found += one.topics
        }
        return ClusterMetadata(brokers: brokers, topics: found.sorted { $0.name < $1.name })
    }

    private func metadata(all: Int32, topic: OpaquePointer?, _ milliseconds: Int32) throws -> ClusterMetadata {
        var native: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(handle.pointer, all, topic, &native, milliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let native else { throw KafkaError(error, "asking for metadata") }
        defer { rd_kafka_metadata_destroy(native) }
        let brokers = UnsafeBufferPointer(start: native.pointee.brokers, count: Int(native.pointee.broker_cnt))
        let topics = UnsafeBufferPointer(start: native.pointee.topics, count: Int(native.pointee.topic_cnt))
        return ClusterMetadata(
            brokers: brokers.map { .init(id: $0.id, host: String(cString: $0.host), port: Int($0.port)) }
                .sorted { $0.id < $1.id },
            topics: try topics.map { topic in
                let name = String(cString: topic.topic)
                if topic.err != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(topic.err, "topic '\(name)'") }
                let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
                return .init(name: name, partitions: partitions.map(Self.partition).sorted { $0.id < $1.id })
            }.sorted { $0.name < $1.name })
    }

    private static func partition(_ native: rd_kafka_metadata_partition) -> ClusterMetadata.Partition {
        ClusterMetadata.Partition(
            id: native.id, leader: native.leader < 0 ? nil : native.leader,
            replicas: Array(UnsafeBufferPointer(start: native.replicas, count: Int(native.replica_cnt))),
            inSyncReplicas: Array(UnsafeBufferPointer(start: native.isrs, count: Int(native.isr_cnt))))
    }

    /// Asks each partition's leader for an offset: -2 the first, -1 the end, else the first at or after that time.
    /// Blocks.
    func offsets(_ times: [TopicPartition: Int64], timeout: Duration) throws -> [TopicPartition: Int64] {
        guard !times.isEmpty else { return [:] }
        return try PartitionList(times).with { list in
            let error = rd_kafka_offsets_for_times(handle.pointer, list, Int32(clamping: timeout.milliseconds))
            guard error == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(error, "asking for offsets") }
            if let error = list.firstError("the offset of") { throw error }
            return Dictionary(uniqueKeysWithValues: list.entries.map { ($0.key, $0.offset) })
        }
    }
}
