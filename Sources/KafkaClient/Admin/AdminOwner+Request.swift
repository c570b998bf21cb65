import CRDKafka

extension AdminOwner {
    /// Makes a request whose answer comes as an event: `send` gets the options, `read` the event.
    func request<R>(
        _ operation: rd_kafka_admin_op_t, _ context: String, timeout: Duration, validatesOnly: Bool = false,
        answer: @escaping (Result<R, any Error>) -> Void, read: @escaping (OpaquePointer) throws -> R,
        send: (OpaquePointer) -> Void
    ) {
        let opaque = calls.add { result in
            answer(
                Result {
                    let event = try result.get()
                    try AdminOptions.check(event, context)
                    return try read(event)
                })
        }
        guard let options = options(operation, timeout, opaque) else { return }
        if Self.takesOperationTimeout.contains(operation.rawValue) { options.setOperationTimeout(timeout) }
        if validatesOnly { options.validateOnly() }
        options.with(send)
    }

    /// The requests that a broker may work on for a while before it answers.
    private static let takesOperationTimeout: Set<UInt32> = Set(
        [
            RD_KAFKA_ADMIN_OP_CREATETOPICS, RD_KAFKA_ADMIN_OP_DELETETOPICS, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS,
            RD_KAFKA_ADMIN_OP_DELETERECORDS,
        ].map(\.rawValue))

    /// The error of each topic in an answer about topics.
    static func topicErrors(_ results: UnsafeMutablePointer<OpaquePointer?>?, count: Int) -> [KafkaError?] {
        guard let results else { return [] }
        return (0..<count).map { index in
            let code = rd_kafka_topic_result_error(results[index])
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
            let reason = text(rd_kafka_topic_result_error_string(results[index]))
            return KafkaError(
                code,
                "topic '\(text(rd_kafka_topic_result_name(results[index])))'" + (reason.isEmpty ? "" : " (\(reason))"))
        }
    }

    /// The first error in an answer about groups, of a group or of one of its partitions.
    static func checkGroups(
        _ results: UnsafeMutablePointer<OpaquePointer?>?, count: Int, _ context: String
    ) throws {
        guard let results else { return }
        for index in 0..<count {
            let name = "\(context) '\(text(rd_kafka_group_result_name(results[index])))'"
            if let error = rd_kafka_group_result_error(results[index]) {
                let code = rd_kafka_error_code(error)
                if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, name) }
            }
            guard let list = rd_kafka_group_result_partitions(results[index]) else { continue }
            if let error = UnsafeMutablePointer(mutating: list).firstError(name) { throw error }
        }
    }

    static func text(_ pointer: UnsafePointer<CChar>?) -> String {
        pointer.map { String(cString: $0) } ?? ""
    }

    static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
