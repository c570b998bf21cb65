import CRDKafka
import Synchronization

/// librdkafka's topic objects of one handle, made when first needed.
///
/// `@unchecked Sendable`: librdkafka's topic objects may be used on any thread; the table is behind a lock.
final class TopicHandles: @unchecked Sendable {
    private struct Table: @unchecked Sendable {
        var topics: [String: OpaquePointer] = [:]
    }

    private let handle: KafkaHandle
    private let table = Mutex(Table())

    init(_ handle: KafkaHandle) {
        self.handle = handle
    }

    /// The topic's object; nil if librdkafka takes no such name.
    func topic(_ name: String) -> OpaquePointer? {
        let handle = handle
        return table.withLock { table in
            if let topic = table.topics[name] { return Topic(topic) }
            guard let topic = rd_kafka_topic_new(handle.pointer, name, nil) else { return Topic(nil) }
            table.topics[name] = topic
            return Topic(topic)
        }.pointer
    }

    func destroy() {
        table.withLock { table in
            for topic in table.topics.values { rd_kafka_topic_destroy(topic) }
            table.topics = [:]
        }
    }

    private struct Topic: @unchecked Sendable {
        let pointer: OpaquePointer?
        init(_ pointer: OpaquePointer?) { self.pointer = pointer }
    }
}
