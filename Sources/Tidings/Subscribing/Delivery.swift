/// One record as a handler sees it: where it stands, its envelope and its bytes.
public struct Delivery: Hashable, Sendable {
    /// The Kafka topic's name.
    public var topic: String

    /// The partition it stands in.
    public var partition: Int32

    /// Its place in the partition.
    public var offset: Int64

    /// The record's own time: when it was produced, or appended to the log, as the topic is configured.
    public var timestamp: Timestamp?

    /// The record's key; nil for a record without one.
    public var key: [UInt8]?

    /// The record's value; nil is a tombstone.
    public var value: [UInt8]?

    /// All headers in order, the envelope's own among them.
    public var headers: [EventHeader]

    /// The event's identity; nil for a record without an envelope.
    public var eventID: EventID?

    /// The name of the kind of event; nil for a record without an envelope.
    public var type: String?

    /// The context in which it happened; nil for a record without an envelope.
    public var source: String?

    /// When it happened, by the writer's clock; nil for a record without one.
    public var time: Timestamp?

    /// The media type of ``data``; nil when the record does not say.
    public var contentType: String?

    /// The event's bytes: the value, or in CloudEvents' structured mode the part of it that is the event.
    public var data: [UInt8]?

    /// Whether its group was set back over it (``Rewind``): its handler has seen it before, or it was there before the
    /// group was. What must not happen again then, a handler leaves out.
    public var isReplayed = false

    /// The key as text; nil when there is none or it is not UTF-8.
    public var keyText: String? {
        key.flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The last header of that name.
    public func header(_ name: String) -> EventHeader? {
        headers.last { $0.name == name }
    }
}
