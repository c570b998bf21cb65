import CRDKafka
import Glibc

/// An event file descriptor: librdkafka's queues and other threads write to it, one thread waits for it.
///
/// Writes before a wait are not lost, and many of them wake the waiter once.
struct WakeUp: Sendable {
    /// What librdkafka's queues write to.
    let descriptor: Int32

    init() throws(KafkaError) {
        descriptor = crdkafka_eventfd()
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw KafkaError(.wrongState, "no event descriptor could be had (\(reason)); raise `ulimit -n`")
        }
    }

    /// Has a queue of librdkafka signal when it stops being empty. The reader must read it until it is empty.
    ///
    /// A queue that is not empty now (a broker that was not there, told before anybody listened) would never signal,
    /// so the reader is woken once for what it holds.
    func listen(to queue: OpaquePointer) {
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, descriptor, &one, 8)
        signal()
    }

    /// Makes the waiter go on, now or at its next wait.
    func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Waits for a signal, at most `timeout` milliseconds (-1: without end), and clears it.
    func wait(timeout: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, timeout)
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }

    func close() {
        _ = Glibc.close(descriptor)
    }
}
