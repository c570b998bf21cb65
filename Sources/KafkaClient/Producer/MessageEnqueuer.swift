import CRDKafka
import Glibc

/// Puts messages into librdkafka's queue, which copies their bytes once.
///
/// Messages in a row for the same topic, without headers or time stamp of their own, go in by `rd_kafka_produce_batch`,
/// at a third of the cost of one call each; the others by `rd_kafka_produceva`.
struct MessageEnqueuer {
    /// The most messages per call into librdkafka.
    static let largestRun = 1024

    let handle: KafkaHandle
    let topics: TopicHandles

    /// Enqueues these messages; returns the index of the first that found no room, or the end.
    func enqueue(_ messages: [ProducerMessage], _ range: Range<Int>, for send: PendingSend) -> Int {
        messages.withUnsafeBufferPointer { all in
            let messages = UnsafeBufferPointer(rebasing: all[..<range.upperBound])
            let capacity = min(range.count, Self.largestRun)
            return withUnsafeTemporaryAllocation(of: rd_kafka_message_t.self, capacity: capacity) { entries in
                var next = range.lowerBound
                while next < messages.count {
                    let end = fill(entries, messages, from: next, for: send)
                    let before = next
                    next =
                        end == next
                        ? enqueueOne(messages[next], at: next, for: send)
                        : enqueueRun(entries, messages[next].topic, messages[next].partition, next..<end, for: send)
                    if next < end || next == before { return next }
                }
                return next
            }
        }
    }

    /// Fills `entries` with the messages from `start` on that can go in together; returns the index after the last.
    ///
    /// The bytes' addresses outlive the closures that give them: an array's elements are in one object, which stays
    /// where it is while the array is neither changed nor released, and the caller holds `messages` all along.
    private func fill(
        _ entries: UnsafeMutableBufferPointer<rd_kafka_message_t>, _ messages: UnsafeBufferPointer<ProducerMessage>,
        from start: Int, for send: PendingSend
    ) -> Int {
        let topic = messages[start].topic
        let partition = messages[start].partition
        let limit = min(messages.count, start + entries.count)
        var opaque = send.opaque(start)
        for index in start..<limit {
            guard
                messages[index].isPlain, messages[index].partition == partition, messages[index].topic == topic
            else { return index }
            var entry = rd_kafka_message_t()
            messages[index].value?.withUnsafeBytes { bytes in
                entry.payload = UnsafeMutableRawPointer(mutating: bytes.orEmpty)
                entry.len = bytes.count
            }
            messages[index].key?.withUnsafeBytes { bytes in
                entry.key = UnsafeMutableRawPointer(mutating: bytes.orEmpty)
                entry.key_len = bytes.count
            }
            entry._private = opaque
            entries.initializeElement(at: index - start, to: entry)
            opaque += MemoryLayout<PendingSend.Slot>.stride
        }
        return limit
    }

    private func enqueueRun(
        _ entries: UnsafeMutableBufferPointer<rd_kafka_message_t>, _ topic: String, _ partition: Int32?,
        _ run: Range<Int>, for send: PendingSend
    ) -> Int {
        guard let topic = topics.topic(topic) else {
            for index in run { send.fail(index, with: RD_KAFKA_RESP_ERR__INVALID_ARG) }
            return run.upperBound
        }
        let taken = rd_kafka_produce_batch(
            topic, partition ?? RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, entries.baseAddress, Int32(run.count))
        if Int(taken) == run.count { return run.upperBound }
        for (place, index) in run.enumerated() {
            switch entries[place].err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: continue
            case RD_KAFKA_RESP_ERR__QUEUE_FULL: return index  // all after it found none either
            case let error: send.fail(index, with: error)
            }
        }
        return run.upperBound
    }

    private func enqueueOne(_ message: ProducerMessage, at index: Int, for send: PendingSend) -> Int {
        guard let topic = topics.topic(message.topic) else {
            send.fail(index, with: RD_KAFKA_RESP_ERR__INVALID_ARG)
            return index + 1
        }
        let headers = message.headers.isEmpty ? nil : nativeHeaders(message.headers)
        let error = produce(message, topic: topic, headers: headers, opaque: send.opaque(index))
        if error != RD_KAFKA_RESP_ERR_NO_ERROR, let headers { rd_kafka_headers_destroy(headers) }
        switch error {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return index + 1
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: return index
        default:
            send.fail(index, with: error)
            return index + 1
        }
    }

    private func nativeHeaders(_ headers: RecordHeaders) -> OpaquePointer? {
        let native = rd_kafka_headers_new(headers.count)
        headers.bytes.withUnsafeBytes { all in
            var rest = all
            while !rest.isEmpty, let header = RecordHeaders.next(&rest) {
                header.name.withMemoryRebound(to: CChar.self) { name in
                    _ = rd_kafka_header_add(
                        native, name.baseAddress, name.count, header.value?.orEmpty, header.value?.count ?? -1)
                }
            }
        }
        return native
    }

    private func produce(
        _ message: ProducerMessage, topic: OpaquePointer, headers: OpaquePointer?, opaque: UnsafeMutableRawPointer
    ) -> rd_kafka_resp_err_t {
        func call(_ value: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?) -> rd_kafka_resp_err_t {
            withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
                var count = 0
                func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t) -> Void) {
                    var argument = rd_kafka_vu_t()
                    argument.vtype = type
                    set(&argument)
                    arguments.initializeElement(at: count, to: argument)
                    count += 1
                }
                add(RD_KAFKA_VTYPE_RKT) { $0.u.rkt = topic }
                add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = message.partition ?? RD_KAFKA_PARTITION_UA }
                add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
                add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = opaque }
                if let value { add(RD_KAFKA_VTYPE_VALUE) { $0.u.mem = value.native } }
                if let key { add(RD_KAFKA_VTYPE_KEY) { $0.u.mem = key.native } }
                if let time = message.timestamp { add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = time } }
                if let headers { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headers } }
                guard let error = rd_kafka_produceva(handle.pointer, arguments.baseAddress, count) else {
                    return RD_KAFKA_RESP_ERR_NO_ERROR
                }
                defer { rd_kafka_error_destroy(error) }
                return rd_kafka_error_code(error)
            }
        }
        return withOptionalBytes(message.value) { value in
            withOptionalBytes(message.key) { key in call(value, key) }
        }
    }
}

extension ProducerMessage {
    /// It has nothing that only `rd_kafka_produceva` can say.
    fileprivate var isPlain: Bool { headers.isEmpty && timestamp == nil }
}

extension UnsafeRawBufferPointer {
    /// An address that is not null even if there are no bytes: for Kafka, null and empty differ.
    fileprivate var orEmpty: UnsafeRawPointer { baseAddress ?? UnsafeRawPointer(bitPattern: 1)! }

    fileprivate var native: rd_kafka_vu_s.__Unnamed_union_u.__Unnamed_struct_mem {
        .init(ptr: UnsafeMutableRawPointer(mutating: orEmpty), size: count)
    }
}

private func withOptionalBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
    if let bytes { bytes.withUnsafeBytes { body($0) } } else { body(nil) }
}
