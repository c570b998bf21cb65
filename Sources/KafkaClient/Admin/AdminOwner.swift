import CRDKafka

/// What the admin's thread does: it makes requests, whose answers come as events on a queue, and calls those functions
/// of librdkafka that block.
final class AdminOwner: ThreadOwner {
    let handle: KafkaHandle
    let queue: OpaquePointer
    let calls = PendingCalls()
    private var isStopping = false

    init?(handle: KafkaHandle, wakeUp: WakeUp) {
        guard let queue = rd_kafka_queue_new(handle.pointer), let main = rd_kafka_queue_get_main(handle.pointer) else {
            return nil
        }
        self.handle = handle
        self.queue = queue
        wakeUp.listen(to: queue)
        wakeUp.listen(to: main)
        rd_kafka_queue_destroy(main)
    }

    let patience: Int32 = -1

    func stop() {
        isStopping = true
    }

    func serve() -> Bool {
        _ = rd_kafka_poll(handle.pointer, 0)
        while let event = rd_kafka_queue_poll(queue, 0) {
            calls.answer(event)
            rd_kafka_event_destroy(event)
        }
        return !isStopping
    }

    func end() {
        calls.failAll(.closed("admin"))
        rd_kafka_queue_destroy(queue)
        handle.destroy()
    }

    // MARK: Topics

    func createTopics(
        _ topics: [TopicSpecification], timeout: Duration, answer: @escaping (Result<[KafkaError?], KafkaError>) -> Void
    ) {
        var native: [OpaquePointer?] = []
        defer { for topic in native { rd_kafka_NewTopic_destroy(topic) } }
        for topic in topics {
            var reason = [CChar](repeating: 0, count: 512)
            guard
                let new = rd_kafka_NewTopic_new(
                    topic.name, topic.partitions ?? -1, Int32(topic.replicationFactor ?? -1), &reason, reason.count)
            else {
                let words = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                return answer(.failure(KafkaError(.invalidConfiguration, "topic '\(topic.name)': \(words)")))
            }
            native.append(new)
            for (name, value) in topic.configuration { _ = rd_kafka_NewTopic_set_config(new, name, value) }
        }
        let opaque = calls.add { result in
            answer(
                result.readTopics("creating topics") { event, count in
                    rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
                })
        }
        guard let options = options(RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout, opaque) else { return }
        options.setOperationTimeout(timeout)
        options.with { rd_kafka_CreateTopics(handle.pointer, &native, native.count, $0, queue) }
    }

    func deleteTopics(
        _ topics: [String], timeout: Duration, answer: @escaping (Result<[KafkaError?], KafkaError>) -> Void
    ) {
        var native: [OpaquePointer?] = topics.map { rd_kafka_DeleteTopic_new($0) }
        defer { for topic in native { rd_kafka_DeleteTopic_destroy(topic) } }
        let opaque = calls.add { result in
            answer(
                result.readTopics("deleting topics") { event, count in
                    rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
                })
        }
        guard let options = options(RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout, opaque) else { return }
        options.setOperationTimeout(timeout)
        options.with { rd_kafka_DeleteTopics(handle.pointer, &native, native.count, $0, queue) }
    }

    func options(
        _ operation: rd_kafka_admin_op_t, _ timeout: Duration, _ opaque: UnsafeMutableRawPointer?
    ) -> AdminOptions? {
        if let options = AdminOptions(handle, operation, timeout, opaque) { return options }
        calls.fail(opaque, KafkaError(.wrongState, "librdkafka gave no options object"))
        return nil
    }
}

extension Result<OpaquePointer, KafkaError> {
    /// The error of each topic in an answer about topics.
    fileprivate func readTopics(
        _ context: String,
        _ topics: (OpaquePointer, inout Int) -> UnsafeMutablePointer<OpaquePointer?>?
    ) -> Result<[KafkaError?], KafkaError> {
        flatMap { event in
            do throws(KafkaError) { try AdminOptions.check(event, context) } catch { return .failure(error) }
            var count = 0
            guard let results = topics(event, &count) else { return .success([]) }
            return .success(
                (0..<count).map { index in
                    let code = rd_kafka_topic_result_error(results[index])
                    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
                    let name = rd_kafka_topic_result_name(results[index]).map { String(cString: $0) } ?? ""
                    let reason = rd_kafka_topic_result_error_string(results[index]).map { String(cString: $0) } ?? ""
                    return KafkaError(code, "topic '\(name)'" + (reason.isEmpty ? "" : " (\(reason))"))
                })
        }
    }
}
