import CRDKafka

/// The calls that make transactions (KIP-98). They block, at most for a transaction's timeout; meanwhile nobody sends,
/// and what librdkafka reports of messages is served within them, on this thread.
extension ProducerOwner {
    /// Becomes the one producer of its id: fences others, ends what they left open. To be called again after a timeout.
    func initTransactions(timeout: Duration) throws(KafkaError) {
        try check("starting transactions") { rd_kafka_init_transactions($0, Int32(clamping: timeout.milliseconds)) }
    }

    func beginTransaction() throws(KafkaError) {
        try check("beginning a transaction") { rd_kafka_begin_transaction($0) }
    }

    func sendOffsets(
        _ offsets: [TopicPartition: Int64], ofGroup group: String, timeout: Duration
    ) throws(KafkaError) {
        guard let metadata = rd_kafka_consumer_group_metadata_new(group) else {
            throw KafkaError(.invalidConfiguration, "'\(group)' is no group's name")
        }
        defer { rd_kafka_consumer_group_metadata_destroy(metadata) }
        let list = PartitionList(offsets)
        try check("offsets of group '\(group)'") { handle in
            list.with {
                rd_kafka_send_offsets_to_transaction(handle, $0, metadata, Int32(clamping: timeout.milliseconds))
            }
        }
    }

    /// `timeout` is the transaction's own: librdkafka asks for -1, which is to mean what remains of that, but waits without
    /// end then. After an error, nobody goes on with this handle's transactions.
    func commitTransaction(timeout: Duration) throws(KafkaError) {
        try check("committing a transaction") {
            rd_kafka_commit_transaction($0, Int32(clamping: timeout.milliseconds))
        }
    }

    /// What is still to be sent fails.
    func abortTransaction(timeout: Duration) throws(KafkaError) {
        giveUpLoads(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        try check("aborting a transaction") {
            rd_kafka_abort_transaction($0, Int32(clamping: timeout.milliseconds))
        }
    }

    private func check(
        _ context: String, _ call: (OpaquePointer) -> OpaquePointer?
    ) throws(KafkaError) {
        let error = call(handle.pointer)
        handle.tally.pointee.flush()
        guard let error else { return }
        var told = KafkaError(consuming: error, context)
        // librdkafka says of any later call only that it is too late; the first reason is the one to know.
        if told.isFatal || told.code.rawValue == RD_KAFKA_RESP_ERR__FATAL.rawValue, let fatal = handle.fatalError {
            told = fatal
        }
        throw told
    }
}
