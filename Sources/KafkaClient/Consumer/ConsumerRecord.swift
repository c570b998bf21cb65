import CRDKafka
import Synchronization

/// One record of a ``ConsumerBatch``.
///
/// `value`, `key` and `headers` copy at each call; ``withValue(_:)`` and ``withKey(_:)`` look at the bytes where they are.
/// `@unchecked Sendable`: it holds the batch's storage, which keeps the message alive and unchanged.
public struct ConsumerRecord: @unchecked Sendable {
    @usableFromInline let storage: BatchStorage
    @usableFromInline let message: UnsafeMutablePointer<rd_kafka_message_t>

    @inlinable
    init(storage: BatchStorage, message: UnsafeMutablePointer<rd_kafka_message_t>) {
        self.storage = storage
        self.message = message
    }

    /// The topic it is from.
    public var topic: String { storage.partition.topic }
    /// The partition it is from.
    public var partition: Int32 { storage.partition.partition }
    /// Its place in the partition.
    @inlinable public var offset: Int64 { message.pointee.offset }

    /// When it was made (or appended, if the topic says so), in milliseconds since 1970 (UTC); nil if it does not say.
    public var timestamp: Int64? {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let time = rd_kafka_message_timestamp(message, &kind)
        return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time
    }

    /// A copy of the key; nil if it has none.
    @inlinable public var key: [UInt8]? { keyBytes.map(Array.init) }
    /// A copy of the value; nil for Kafka's null.
    @inlinable public var value: [UInt8]? { valueBytes.map(Array.init) }
    /// How many bytes the value has.
    @inlinable public var valueCount: Int { message.pointee.len }

    /// Lets `body` look at the value's bytes; nil for Kafka's null.
    @inlinable
    public func withValue<R>(_ body: (RawSpan) throws -> R) rethrows -> R? {
        guard let bytes = valueBytes else { return nil }
        return try body(bytes.bytes)
    }

    /// Lets `body` look at the key's bytes; nil if it has none.
    @inlinable
    public func withKey<R>(_ body: (RawSpan) throws -> R) rethrows -> R? {
        guard let bytes = keyBytes else { return nil }
        return try body(bytes.bytes)
    }

    /// As ``withValue(_:)``, for parsers that take a buffer, which must not be kept.
    @inlinable
    public func withUnsafeValue<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try valueBytes.map(body)
    }

    /// As ``withKey(_:)``, for parsers that take a buffer, which must not be kept.
    @inlinable
    public func withUnsafeKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R? {
        try keyBytes.map(body)
    }

    /// Its headers, in order.
    public var headers: [RecordHeader] {
        storage.headers.withLock { _ in
            var native: OpaquePointer?
            guard rd_kafka_message_headers(message, &native) == RD_KAFKA_RESP_ERR_NO_ERROR, let native else {
                return []
            }
            var headers: [RecordHeader] = []
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            while rd_kafka_header_get_all(native, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let name
            {
                let bytes = value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }
                headers.append(RecordHeader(String(cString: name), bytes))
            }
            return headers
        }
    }

    /// The value of the last header of this name; nil if there is none, or if its value is null.
    public func header(_ name: String) -> [UInt8]? {
        storage.headers.withLock { _ in
            var native: OpaquePointer?
            guard rd_kafka_message_headers(message, &native) == RD_KAFKA_RESP_ERR_NO_ERROR, let native else {
                return nil
            }
            var value: UnsafeRawPointer?
            var size = 0
            guard rd_kafka_header_get_last(native, name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR else {
                return nil
            }
            return value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }
        }
    }

    @inlinable
    var valueBytes: UnsafeRawBufferPointer? {
        message.pointee.payload.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.len) }
    }

    @inlinable
    var keyBytes: UnsafeRawBufferPointer? {
        message.pointee.key.map { UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len) }
    }
}
