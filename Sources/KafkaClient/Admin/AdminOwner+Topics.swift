import CRDKafka

extension AdminOwner {
    func createTopics(
        _ topics: [TopicSpecification], validatesOnly: Bool, timeout: Duration,
        answer: @escaping (Result<[KafkaError?], any Error>) -> Void
    ) {
        var native: [OpaquePointer?] = []
        defer { for topic in native { rd_kafka_NewTopic_destroy(topic) } }
        for topic in topics {
            var reason = [CChar](repeating: 0, count: 512)
            guard
                let new = rd_kafka_NewTopic_new(
                    topic.name, topic.partitions ?? -1, Int32(topic.replicationFactor ?? -1), &reason, reason.count)
            else {
                return answer(
                    .failure(KafkaError(.invalidConfiguration, "topic '\(topic.name)': \(Self.text(reason))")))
            }
            native.append(new)
            for (name, value) in topic.configuration { _ = rd_kafka_NewTopic_set_config(new, name, value) }
        }
        request(
            RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating topics", timeout: timeout, validatesOnly: validatesOnly,
            answer: answer,
            read: { event in
                var count = 0
                let topics = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
                return Self.topicErrors(topics, count: count)
            },
            send: { rd_kafka_CreateTopics(handle.pointer, &native, native.count, $0, queue) })
    }

    func deleteTopics(
        _ topics: [String], timeout: Duration, answer: @escaping (Result<[KafkaError?], any Error>) -> Void
    ) {
        var native: [OpaquePointer?] = topics.map { rd_kafka_DeleteTopic_new($0) }
        defer { for topic in native { rd_kafka_DeleteTopic_destroy(topic) } }
        request(
            RD_KAFKA_ADMIN_OP_DELETETOPICS, "deleting topics", timeout: timeout, answer: answer,
            read: { event in
                var count = 0
                let topics = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
                return Self.topicErrors(topics, count: count)
            },
            send: { rd_kafka_DeleteTopics(handle.pointer, &native, native.count, $0, queue) })
    }

    func createPartitions(
        _ totals: [String: Int32], validatesOnly: Bool, timeout: Duration,
        answer: @escaping (Result<[KafkaError?], any Error>) -> Void
    ) {
        var native: [OpaquePointer?] = []
        defer { for partitions in native { rd_kafka_NewPartitions_destroy(partitions) } }
        for (topic, total) in totals {
            var reason = [CChar](repeating: 0, count: 512)
            guard let new = rd_kafka_NewPartitions_new(topic, Int(total), &reason, reason.count) else {
                return answer(.failure(KafkaError(.invalidConfiguration, "topic '\(topic)': \(Self.text(reason))")))
            }
            native.append(new)
        }
        request(
            RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, "adding partitions", timeout: timeout, validatesOnly: validatesOnly,
            answer: answer,
            read: { event in
                var count = 0
                let topics = rd_kafka_CreatePartitions_result_topics(
                    rd_kafka_event_CreatePartitions_result(event), &count)
                return Self.topicErrors(topics, count: count)
            },
            send: { rd_kafka_CreatePartitions(handle.pointer, &native, native.count, $0, queue) })
    }

    func deleteRecords(
        before offsets: [TopicPartition: Int64], timeout: Duration,
        answer: @escaping (Result<[TopicPartition: Int64], any Error>) -> Void
    ) {
        var native = PartitionList(offsets).with { rd_kafka_DeleteRecords_new($0) }
        defer { rd_kafka_DeleteRecords_destroy(native) }
        request(
            RD_KAFKA_ADMIN_OP_DELETERECORDS, "deleting records", timeout: timeout, answer: answer,
            read: { event in
                guard let list = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
                else { return [:] }
                let result = UnsafeMutablePointer(mutating: list)
                if let error = result.firstError("deleting records of") { throw error }
                return Dictionary(uniqueKeysWithValues: result.entries.map { ($0.key, $0.offset) })
            },
            send: { rd_kafka_DeleteRecords(handle.pointer, &native, 1, $0, queue) })
    }
}
