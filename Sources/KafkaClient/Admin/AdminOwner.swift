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

    func options(
        _ operation: rd_kafka_admin_op_t, _ timeout: Duration, _ opaque: UnsafeMutableRawPointer?
    ) -> AdminOptions? {
        if let options = AdminOptions(handle, operation, timeout, opaque) { return options }
        calls.fail(opaque, KafkaError(.wrongState, "librdkafka gave no options object"))
        return nil
    }
}
