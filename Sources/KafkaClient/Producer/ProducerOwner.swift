import CRDKafka
import DequeModule

/// What the producer's thread does: it puts messages into librdkafka's queue as there is room, serves delivery reports
/// and, when the room is closed and vacant, ends the handle. What is under way then is given up and reported as purged.
///
/// One thread that fills the queue and empties it of reports is how librdkafka is fastest: its locks are not contended,
/// and memory is freed where it was allocated.
final class ProducerOwner: ThreadOwner {
    /// The messages of a `send` that are not in librdkafka's queue yet.
    struct Load: Sendable {
        let messages: [ProducerMessage]
        var next: Int
        let pending: PendingSend
    }

    /// The most messages that go in before the reports are looked at.
    private static let stride = 1024

    let handle: KafkaHandle
    private let room: ProducerRoom
    private let enqueuer: MessageEnqueuer
    private var loads: Deque<Load> = []

    init?(handle: KafkaHandle, room: ProducerRoom, enqueuer: MessageEnqueuer, wakeUp: WakeUp) {
        guard let queue = rd_kafka_queue_get_main(handle.pointer) else { return nil }
        self.handle = handle
        self.room = room
        self.enqueuer = enqueuer
        wakeUp.listen(to: queue)
        rd_kafka_queue_destroy(queue)
    }

    let patience: Int32 = -1

    /// Puts the messages behind those that wait already.
    func add(_ load: Load) {
        loads.append(load)
    }

    func serve() -> Bool {
        var isFull = false
        repeat {
            while serveReports(timeout: 0) { isFull = false }
            guard !isFull, !loads.isEmpty, !room.isClosed else { break }
            isFull = !enqueueSome()
        } while true
        room.setFull(!loads.isEmpty)
        return !room.isVacant
    }

    /// Enqueues the next messages; false if there was no room for all that were tried.
    private func enqueueSome() -> Bool {
        let load = loads[0]
        guard !load.pending.isAbandoned else {
            loads.removeFirst()
            load.pending.fail(from: load.next, with: RD_KAFKA_RESP_ERR__PURGE_QUEUE)
            return true
        }
        let end = min(load.messages.count, load.next + Self.stride)
        let reached = enqueuer.enqueue(load.messages, load.next..<end, for: load.pending)
        if reached == load.messages.count { loads.removeFirst() } else { loads[0].next = reached }
        return reached == end
    }

    /// What is not in librdkafka's queue yet fails.
    func giveUpLoads(_ error: rd_kafka_resp_err_t) {
        for load in loads { load.pending.fail(from: load.next, with: error) }
        loads = []
    }

    func end() {
        giveUpLoads(RD_KAFKA_RESP_ERR__DESTROY)
        _ = rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // Every report comes now, without the network; the thread has nothing else to do than to wait for them.
        while rd_kafka_outq_len(handle.pointer) > 0 { _ = serveReports(timeout: 100) }
        enqueuer.topics.destroy()
        handle.destroy()
    }

    /// Serves the reports there are; false if there was nothing.
    private func serveReports(timeout: Int32) -> Bool {
        let count = rd_kafka_poll(handle.pointer, timeout)
        handle.tally.pointee.flush()
        return count > 0
    }
}
