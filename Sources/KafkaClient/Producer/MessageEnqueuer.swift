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

    /// Enqueues the messages from `start` on; returns the index of the first that found no room, or the count.
    func enqueue(_ messages: [ProducerMessage], from start: Int, for send: PendingSend) -> Int {
        var next = start
        while next < messages.count {
            let end = endOfRun(messages, from: next)
            let before = next
            next =
                end == next + 1 && !messages[next].isPlain
                ? enqueueOne(messages[next], at: next, for: send) : enqueueRun(messages, next..<end, for: send)
            if next < end || next == before { return next }
        }
        return next
    }

    private func endOfRun(_ messages: [ProducerMessage], from start: Int) -> Int {
        guard messages[start].isPlain else { return start + 1 }
        let topic = messages[start].topic
        let partition = messages[start].partition
        var end = start + 1
        let limit = min(messages.count, start + Self.largestRun)
        while end < limit, messages[end].isPlain, messages[end].partition == partition, messages[end].topic == topic {
            end += 1
        }
        return end
    }

    private func enqueueRun(_ messages: [ProducerMessage], _ run: Range<Int>, for send: PendingSend) -> Int {
        guard let topic = topics.topic(messages[run.lowerBound].topic) else {
            for index in run { settle(send, index, RD_KAFKA_RESP_ERR__INVALID_ARG) }
            return run.upperBound
        }
        let partition = messages[run.lowerBound].partition ?? RD_KAFKA_PARTITION_UA
        return withUnsafeTemporaryAllocation(of: rd_kafka_message_t.self, capacity: run.count) { entries in
            for (place, index) in run.enumerated() {
                entries.initializeElement(at: place, to: entry(messages[index], opaque: send.opaque(index)))
            }
            _ = rd_kafka_produce_batch(
                topic, partition, RD_KAFKA_MSG_F_COPY, entries.baseAddress, Int32(run.count))
            for (place, index) in run.enumerated() {
                switch entries[place].err {
                case RD_KAFKA_RESP_ERR_NO_ERROR: continue
                case RD_KAFKA_RESP_ERR__QUEUE_FULL: return index  // all after it found none either
                case let error: settle(send, index, error)
                }
            }
            return run.upperBound
        }
    }

    /// The bytes' addresses outlive the closures that give them: an array's elements are in one object, which stays
    /// where it is while the array is neither changed nor released, and the caller holds `messages` all along.
    private func entry(_ message: borrowing ProducerMessage, opaque: UnsafeMutableRawPointer) -> rd_kafka_message_t {
        var entry = rd_kafka_message_t()
        if let value = message.value {
            entry.payload = value.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.orEmpty) }
            entry.len = value.count
        }
        if let key = message.key {
            entry.key = key.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.orEmpty) }
            entry.key_len = key.count
        }
        entry._private = opaque
        return entry
    }

    private func enqueueOne(_ message: ProducerMessage, at index: Int, for send: PendingSend) -> Int {
        guard let topic = topics.topic(message.topic) else {
            settle(send, index, RD_KAFKA_RESP_ERR__INVALID_ARG)
            return index + 1
        }
        let headers = message.headers.isEmpty ? nil : nativeHeaders(message.headers)
        let error = produce(message, topic: topic, headers: headers, opaque: send.opaque(index))
        if error != RD_KAFKA_RESP_ERR_NO_ERROR, let headers { rd_kafka_headers_destroy(headers) }
        switch error {
        case RD_KAFKA_RESP_ERR_NO_ERROR: return index + 1
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: return index
        default:
            settle(send, index, error)
            return index + 1
        }
    }

    private func nativeHeaders(_ headers: [RecordHeader]) -> OpaquePointer? {
        let native = rd_kafka_headers_new(headers.count)
        for header in headers {
            var name = header.name
            name.withUTF8 { name in
                name.withMemoryRebound(to: CChar.self) { name in
                    if let value = header.value {
                        value.withUnsafeBytes { value in
                            _ = rd_kafka_header_add(native, name.baseAddress, name.count, value.orEmpty, value.count)
                        }
                    } else {
                        _ = rd_kafka_header_add(native, name.baseAddress, name.count, nil, -1)
                    }
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

    private func settle(_ send: PendingSend, _ index: Int, _ error: rd_kafka_resp_err_t) {
        PendingSend.settle(send.opaque(index), partition: -1, offset: -1, error: error)
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
