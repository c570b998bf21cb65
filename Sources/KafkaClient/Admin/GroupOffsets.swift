import CRDKafka

/// Asking for the offsets that a group has committed (KIP-709's request, for one group).
enum GroupOffsets {
    /// Asks, through `queue`; `partitions` nil means all that the group has offsets for. A stable offset is one that no
    /// open transaction is about to change (KIP-447).
    static func request(
        _ group: String, _ partitions: [TopicPartition]?, isStable: Bool = false, handle: KafkaHandle,
        queue: OpaquePointer, calls: PendingCalls, timeout: Duration,
        answer: @escaping (Result<[TopicPartition: Int64], any Error>) -> Void
    ) {
        let opaque = calls.add { result in
            answer(Result { try read(result.get(), group) })
        }
        guard let options = AdminOptions(handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout, opaque) else {
            return calls.fail(opaque, KafkaError(.wrongState, "librdkafka gave no options object"))
        }
        if isStable { options.requireStableOffsets() }
        var request: OpaquePointer?
        if let partitions {
            request = PartitionList(partitions).with { rd_kafka_ListConsumerGroupOffsets_new(group, $0) }
        } else {
            request = rd_kafka_ListConsumerGroupOffsets_new(group, nil)
        }
        options.with { rd_kafka_ListConsumerGroupOffsets(handle.pointer, &request, 1, $0, queue) }
        rd_kafka_ListConsumerGroupOffsets_destroy(request)
    }

    private static func read(_ event: OpaquePointer, _ group: String) throws -> [TopicPartition: Int64] {
        try AdminOptions.check(event, "offsets of group '\(group)'")
        var count = 0
        let result = rd_kafka_event_ListConsumerGroupOffsets_result(event)
        guard let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count), count == 1 else {
            throw KafkaError(.wrongState, "no answer about group '\(group)'")
        }
        if let error = rd_kafka_group_result_error(groups[0]) {
            let code = rd_kafka_error_code(error)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, "offsets of group '\(group)'") }
        }
        guard let list = rd_kafka_group_result_partitions(groups[0]) else { return [:] }
        let entries = UnsafeMutablePointer(mutating: list).entries
        var offsets: [TopicPartition: Int64] = [:]
        for entry in entries {
            if entry.err != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(entry.err, "offset of \(entry.key)") }
            if entry.offset >= 0 { offsets[entry.key] = entry.offset }
        }
        return offsets
    }
}

/// librdkafka's options of one admin request; freed with the value.
struct AdminOptions: ~Copyable {
    private let pointer: OpaquePointer

    init?(
        _ handle: KafkaHandle, _ operation: rd_kafka_admin_op_t, _ timeout: Duration, _ opaque: UnsafeMutableRawPointer?
    ) {
        guard let pointer = rd_kafka_AdminOptions_new(handle.pointer, operation) else { return nil }
        self.pointer = pointer
        rd_kafka_AdminOptions_set_opaque(pointer, opaque)
        _ = rd_kafka_AdminOptions_set_request_timeout(pointer, Int32(clamping: timeout.milliseconds), nil, 0)
    }

    deinit {
        rd_kafka_AdminOptions_destroy(pointer)
    }

    /// Lets `body` use the options, which outlive the call.
    borrowing func with<R>(_ body: (OpaquePointer) -> R) -> R {
        body(pointer)
    }

    /// How long the broker itself may take.
    func setOperationTimeout(_ timeout: Duration) {
        _ = rd_kafka_AdminOptions_set_operation_timeout(pointer, Int32(clamping: timeout.milliseconds), nil, 0)
    }

    /// The broker checks what is asked for, and changes nothing.
    func validateOnly() {
        _ = rd_kafka_AdminOptions_set_validate_only(pointer, 1, nil, 0)
    }

    /// An offset that a transaction is about to commit is an error that may pass.
    func requireStableOffsets() {
        guard let error = rd_kafka_AdminOptions_set_require_stable_offsets(pointer, 1) else { return }
        rd_kafka_error_destroy(error)
    }

    /// Throws the error of the request as a whole, if it had one.
    static func check(_ event: OpaquePointer, _ context: String) throws(KafkaError) {
        let error = rd_kafka_event_error(event)
        guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
        throw KafkaError(error, reason.isEmpty ? context : "\(context): \(reason)")
    }
}
