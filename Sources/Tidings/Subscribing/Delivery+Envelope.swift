extension Delivery {
    /// Reads a record's envelope: CloudEvents in binary or structured mode, or none at all.
    public init(
        topic: String, partition: Int32, offset: Int64, timestamp: Timestamp? = nil, key: [UInt8]?, value: [UInt8]?,
        headers: [EventHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
        self.data = value
        readBinaryEnvelope()
        guard eventID == nil, let contentType, let value,
            MediaType(contentType).essence.hasPrefix(CloudEvents.structuredMediaType),
            let envelope = StructuredEnvelope(value)
        else { return }
        read(envelope)
    }

    /// Whether the record says that it is a CloudEvent, and not which: what it says is damaged, or in a form that is not
    /// read here (a batch). A tombstone says nothing.
    var hasUnreadableEnvelope: Bool {
        guard type == nil, value != nil else { return false }
        return headers.contains { $0.name == CloudEvents.typeHeader }
            || contentType.map { MediaType($0).essence.hasPrefix(CloudEvents.structuredMediaType) } ?? false
    }

    private mutating func readBinaryEnvelope() {
        for header in headers {
            switch header.name {
            case CloudEvents.idHeader: eventID = header.text.map(EventID.init(rawValue:))
            case CloudEvents.typeHeader: type = header.text
            case CloudEvents.sourceHeader: source = header.text
            case CloudEvents.timeHeader: time = header.text.flatMap(Timestamp.init(rfc3339:))
            case CloudEvents.contentTypeHeader: contentType = header.text
            default: break
            }
        }
    }

    private mutating func read(_ envelope: StructuredEnvelope) {
        eventID = EventID(rawValue: envelope.attributes.id)
        type = envelope.attributes.type
        source = envelope.attributes.source
        time = envelope.attributes.time.flatMap(Timestamp.init(rfc3339:))
        contentType = envelope.attributes.datacontenttype ?? "application/json"
        data = envelope.data
    }
}

extension Delivery {
    /// Decodes the event's bytes, whatever the envelope says about their type.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode``.
    public func decode<E: Decodable>(_ type: E.Type, codec: some EventCodec = .json) throws -> E {
        guard let data else { throw TidingsError(.cannotDecode, "the record has no value to decode as \(type)") }
        do {
            return try codec.decode(type, from: data)
        } catch {
            throw TidingsError(.cannotDecode, "the value cannot be decoded as \(type)", cause: error)
        }
    }
}
