import CRDKafka

/// librdkafka's list of partitions, each with an offset and an error; freed with the value.
struct PartitionList: ~Copyable {
    private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int = 8) {
        pointer = rd_kafka_topic_partition_list_new(Int32(capacity))
    }

    init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition) }
    }

    init(_ offsets: [TopicPartition: Int64]) {
        self.init(capacity: offsets.count)
        for (partition, offset) in offsets { add(partition, offset: offset) }
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    /// Lets `body` use the list, which outlives the call.
    borrowing func with<R>(
        _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws -> R
    ) rethrows -> R {
        try body(pointer)
    }

    func add(_ partition: TopicPartition, offset: Int64? = nil) {
        let entry = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        if let offset { entry?.pointee.offset = offset }
    }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    var entries: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeMutableBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
    }

    var partitions: [TopicPartition] { entries.map(\.key) }

    /// The first error of an entry; one that a commit has when there was nothing new to be committed is none.
    func firstError(_ context: String) -> KafkaError? {
        for entry in entries
        where entry.err != RD_KAFKA_RESP_ERR_NO_ERROR && entry.err != RD_KAFKA_RESP_ERR__NO_OFFSET {
            return KafkaError(entry.err, "\(context) \(entry.key)")
        }
        return nil
    }
}

extension rd_kafka_topic_partition_t {
    var key: TopicPartition { TopicPartition(String(cString: topic), partition) }
}
