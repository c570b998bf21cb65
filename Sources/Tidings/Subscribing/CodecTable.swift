/// Codecs by media type; the first one also reads records that do not say theirs.
struct CodecTable: Sendable {
    private let codecs: [any EventCodec]

    /// How older events are read as newer ones.
    let versions: EventVersions

    init(_ codecs: [any EventCodec], versions: EventVersions = EventVersions()) {
        self.codecs = codecs.isEmpty ? [JSONCodec()] : codecs
        self.versions = versions
    }

    /// - Throws: ``TidingsError/Code/cannotDecode``.
    func decode<E: Event>(_ type: E.Type, from delivery: Delivery) throws -> E {
        if let event = try versions.read(type, from: delivery, self) { return event }
        return try decodeAsIs(type, from: delivery)
    }

    /// Decodes the event's bytes as this type, whatever the record says that they are.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode``.
    func decodeAsIs<E: Event>(_ type: E.Type, from delivery: Delivery) throws -> E {
        guard let data = delivery.data else {
            throw TidingsError(.cannotDecode, "the record has no value to decode as \(E.eventType)")
        }
        guard let codec = codec(for: delivery.contentType) else {
            throw TidingsError(.cannotDecode, "no codec for content type \(delivery.contentType ?? "")")
        }
        do {
            return try codec.decode(type, from: data)
        } catch {
            throw TidingsError(.cannotDecode, "the value cannot be decoded as \(E.eventType)", cause: error)
        }
    }

    private func codec(for contentType: String?) -> (any EventCodec)? {
        guard let contentType else { return codecs.first }
        if let exact = codecs.first(where: { $0.contentType == contentType }) { return exact }
        let mediaType = MediaType(contentType)
        return codecs.first { MediaType($0.contentType) == mediaType }
            ?? codecs.first { mediaType.isJSON && MediaType($0.contentType).isJSON }
    }
}

/// A media type without its parameters, compared without regard to case.
struct MediaType: Hashable, Sendable {
    let essence: String

    init(_ text: String) {
        let upToParameters = text.prefix { $0 != ";" }
        essence = String(upToParameters.filter { !$0.isWhitespace }).lowercased()
    }

    /// `application/json` or anything `+json`.
    var isJSON: Bool { essence == "application/json" || essence.hasSuffix("+json") }
}
