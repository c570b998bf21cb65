import KafkaClient

/// The names that the Kafka protocol binding of CloudEvents 1.0 uses in its binary content mode: attributes stand in
/// headers with the prefix `ce_`, the data's media type in `content-type`, the data in the value.
///
/// Source: CloudEvents, "Kafka Protocol Binding for CloudEvents", version 1.0.2, section 3.2.
enum CloudEvents {
    static let specVersion = "1.0"

    static let specVersionHeader = "ce_specversion"
    static let idHeader = "ce_id"
    static let sourceHeader = "ce_source"
    static let typeHeader = "ce_type"
    static let timeHeader = "ce_time"
    static let contentTypeHeader = "content-type"

    /// The attributes of CloudEvents' extension “Correlation”.
    static let correlationIDHeader = "ce_correlationid"
    static let causationIDHeader = "ce_causationid"

    /// The media type of the structured content mode, where the value holds attributes and data together.
    static let structuredMediaType = "application/cloudevents"

    /// The headers of an event in binary content mode, and then the caller's.
    static func headers(
        id: EventID, source: String, type: String, time: Timestamp, contentType: String?, _ own: [EventHeader] = []
    ) -> RecordHeaders {
        var headers = RecordHeaders()
        // As much as such an envelope usually takes, so that it grows in one piece.
        headers.reserve(200 + source.utf8.count + type.utf8.count)
        headers.append(specVersionHeader, specVersion)
        headers.append(idHeader, id.rawValue)
        headers.append(sourceHeader, source)
        headers.append(typeHeader, type)
        headers.append(timeHeader, time.rfc3339)
        if let contentType { headers.append(contentTypeHeader, contentType) }
        headers.append(own)
        return headers
    }
}

extension EventRecord {
    /// Puts an event into its envelope.
    ///
    /// - Throws: ``TidingsError/Code/cannotEncode``.
    public init<E: Event>(
        _ event: E, id: EventID, topic: Topic<E>, source: String, time: Timestamp = .now(),
        headers: [EventHeader] = []
    ) throws {
        let value: [UInt8]
        do {
            value = try topic.codec.encode(event)
        } catch {
            throw TidingsError(.cannotEncode, "event \(id) of type \(E.eventType) cannot be encoded", cause: error)
        }
        let envelope = CloudEvents.headers(
            id: id, source: source, type: E.eventType, time: time, contentType: topic.codec.contentType, headers)
        self.init(eventID: id, topic: topic.name, key: Array(event.key.utf8), packed: envelope, value: value)
    }
}

extension EventRecord {
    /// Says that what a key stood for is gone: a tombstone in its envelope, whose type is that of the events with
    /// `.deleted` behind it.
    public init<E: Event>(
        deletionOf key: String, id: EventID, topic: Topic<E>, source: String, time: Timestamp = .now(),
        headers: [EventHeader] = []
    ) {
        let envelope = CloudEvents.headers(
            id: id, source: source, type: E.eventType + ".deleted", time: time, contentType: nil, headers)
        self.init(eventID: id, topic: topic.name, key: Array(key.utf8), packed: envelope, value: nil)
    }
}

extension EventHeader {
    /// The envelope of an event that is made by hand, in CloudEvents' binary mode; its data is the record's value.
    ///
    /// ``EventRecord`` puts typed events into theirs by itself.
    public static func envelope(
        id: EventID, source: String, type: String, time: Timestamp = .now(), contentType: String?
    ) -> [EventHeader] {
        [EventHeader](CloudEvents.headers(id: id, source: source, type: type, time: time, contentType: contentType))
    }
}
