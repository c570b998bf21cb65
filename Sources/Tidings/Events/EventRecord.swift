import KafkaClient

/// An event in its envelope, as it stands in the outbox and as it goes to Kafka.
///
/// Copies share their contents.
public struct EventRecord: Hashable, Sendable {
    private var contents: Contents

    /// Takes an envelope as it is; `EventRecord(_:id:topic:source:)` makes one from an event.
    public init(eventID: EventID, topic: String, key: [UInt8]?, headers: [EventHeader], value: [UInt8]?) {
        self.init(eventID: eventID, topic: topic, key: key, packed: RecordHeaders(headers), value: value)
    }

    /// Takes an envelope whose headers are in one piece already.
    init(eventID: EventID, topic: String, key: [UInt8]?, packed: RecordHeaders, value: [UInt8]?) {
        contents = Contents(eventID: eventID, topic: topic, key: key, headers: packed, value: value)
    }

    /// Takes an envelope as a store has kept it, with what ``headerBytes`` gave.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode`` when the headers are damaged.
    package init(
        eventID: EventID, topic: String, key: [UInt8]?, headerBytes: UnsafeRawBufferPointer, value: [UInt8]?
    ) throws {
        let headers = try HeaderBlob.checked(RecordHeaders(bytes: headerBytes))
        self.init(eventID: eventID, topic: topic, key: key, packed: headers, value: value)
    }

    /// Takes an envelope as a store has kept it, with what ``headerBytes`` gave.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode`` when the headers are damaged.
    package init(eventID: EventID, topic: String, key: [UInt8]?, headerBytes: [UInt8], value: [UInt8]?) throws {
        let headers = try HeaderBlob.checked(RecordHeaders(bytes: headerBytes))
        self.init(eventID: eventID, topic: topic, key: key, packed: headers, value: value)
    }

    /// The event's identity, as in the header `ce_id`.
    public var eventID: EventID {
        get { contents.eventID }
        set { self = EventRecord(eventID: newValue, topic: topic, key: key, packed: packed, value: value) }
    }

    /// The Kafka topic's name.
    public var topic: String {
        get { contents.topic }
        set { self = EventRecord(eventID: eventID, topic: newValue, key: key, packed: packed, value: value) }
    }

    /// The record's key; decides the partition and the order. Nil for a record without one.
    public var key: [UInt8]? {
        get { contents.key }
        set { self = EventRecord(eventID: eventID, topic: topic, key: newValue, packed: packed, value: value) }
    }

    /// The record's headers in order: CloudEvents' attributes as `ce_…`, the content type, then the caller's.
    public var headers: [EventHeader] {
        get { [EventHeader](contents.headers) }
        set { self = EventRecord(eventID: eventID, topic: topic, key: key, headers: newValue, value: value) }
    }

    /// ``headers`` as they go.
    var packed: RecordHeaders { contents.headers }

    /// ``headers`` as one column of a store's table.
    package var headerBytes: [UInt8] { contents.headers.bytes }

    /// The record's value; nil is a tombstone.
    public var value: [UInt8]? {
        get { contents.value }
        set { self = EventRecord(eventID: eventID, topic: topic, key: key, packed: packed, value: newValue) }
    }

    /// The bytes of key, value and headers: an estimate from below of what the record takes in a batch.
    public var size: Int { contents.size }

    public static func == (left: EventRecord, right: EventRecord) -> Bool {
        left.contents === right.contents
            || (left.eventID == right.eventID && left.topic == right.topic && left.key == right.key
                && left.packed == right.packed && left.value == right.value)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(eventID)
        hasher.combine(topic)
        hasher.combine(key)
        hasher.combine(packed)
        hasher.combine(value)
    }

    /// A relay hands records on from list to list: that way each time costs one reference, not five.
    private final class Contents: Sendable {
        let eventID: EventID
        let topic: String
        let key: [UInt8]?
        let headers: RecordHeaders
        let value: [UInt8]?
        let size: Int

        init(eventID: EventID, topic: String, key: [UInt8]?, headers: RecordHeaders, value: [UInt8]?) {
            self.eventID = eventID
            self.topic = topic
            self.key = key
            self.headers = headers
            self.value = value
            size = (key?.count ?? 0) + (value?.count ?? 0) + headers.size
        }
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
