/// An event in its envelope, as it stands in the outbox and as it goes to Kafka.
public struct EventRecord: Hashable, Sendable {
    /// The event's identity, as in the header `ce_id`.
    public var eventID: EventID

    /// The Kafka topic's name.
    public var topic: String

    /// The record's key; decides the partition and the order. Nil for a record without one.
    public var key: [UInt8]?

    /// The record's headers in order: CloudEvents' attributes as `ce_…`, the content type, then the caller's.
    public var headers: [EventHeader]

    /// The record's value; nil is a tombstone.
    public var value: [UInt8]?

    /// Takes an envelope as it is; `EventRecord(_:id:topic:source:)` makes one from an event.
    public init(eventID: EventID, topic: String, key: [UInt8]?, headers: [EventHeader], value: [UInt8]?) {
        self.eventID = eventID
        self.topic = topic
        self.key = key
        self.headers = headers
        self.value = value
    }

    /// The bytes of key, value and headers: an estimate from below of what the record takes in a batch.
    public var size: Int {
        (key?.count ?? 0) + (value?.count ?? 0)
            + headers.reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) }
    }
}

/// One header of an event's record. Names may repeat.
public struct EventHeader: Hashable, Sendable {
    /// The name, such as `ce_type`.
    public var name: String

    /// The value; nil is Kafka's null.
    public var value: [UInt8]?

    /// A header with any bytes.
    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// A header whose value is text.
    public init(_ name: String, _ text: String) {
        self.name = name
        self.value = Array(text.utf8)
    }

    /// The value as text; nil when there is none or it is not UTF-8.
    public var text: String? {
        value.flatMap { String(validating: $0, as: UTF8.self) }
    }
}
