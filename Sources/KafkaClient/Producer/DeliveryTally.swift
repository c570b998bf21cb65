import CRDKafka

/// Tells the sends what became of their messages. Those of one send usually come in a row and are counted down at
/// once, by ``flush()``, which is due after each `rd_kafka_poll`.
struct DeliveryTally {
    private var send: Unmanaged<PendingSend>?
    private var count = 0

    /// librdkafka's call for each message whose fate is known, made within `rd_kafka_poll`. It frees the message right
    /// after, while it is in the processor's cache: batches of reports, as events, would go through memory twice.
    static let callback:
        @convention(c) (
            OpaquePointer?, UnsafePointer<rd_kafka_message_t>?, UnsafeMutableRawPointer?
        ) -> Void = { _, message, context in
            guard let message, let opaque = message.pointee._private, let context else { return }
            let tally = Unmanaged<CallbackContext>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.tally }
            tally.pointee.note(message, opaque.assumingMemoryBound(to: PendingSend.Slot.self))
        }

    private mutating func note(
        _ message: UnsafePointer<rd_kafka_message_t>, _ slot: UnsafeMutablePointer<PendingSend.Slot>
    ) {
        let owner = slot.pointee.send
        if owner.toOpaque() != send?.toOpaque() {
            flush()
            send = owner
        }
        count += 1
        slot.pointee.partition = message.pointee.partition
        slot.pointee.offset = message.pointee.offset
        guard message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        slot.pointee.error = message.pointee.err
        owner._withUnsafeGuaranteedRef { $0.setFailed() }
    }

    /// Counts down what was noted.
    mutating func flush() {
        send?._withUnsafeGuaranteedRef { $0.countDown(count) }
        send = nil
        count = 0
    }
}
