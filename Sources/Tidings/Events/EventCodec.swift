#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How an event becomes the bytes of a record's value, and back.
///
/// ``JSONCodec`` is the default. Another format is a type of its own:
///
/// ```swift
/// struct PropertyListCodec: EventCodec {
///     let contentType = "application/x-plist"
///     func encode(_ event: some Encodable) throws -> [UInt8] {
///         [UInt8](try PropertyListEncoder().encode(event))
///     }
///     func decode<E: Decodable>(_ type: E.Type, from bytes: [UInt8]) throws -> E {
///         try PropertyListDecoder().decode(type, from: Data(bytes))
///     }
/// }
/// let orders = Topic<OrderPlaced>("order", codec: PropertyListCodec())
/// ```
public protocol EventCodec: Sendable {
    /// The media type, which travels as the record's `content-type` header and chooses the codec at the reader.
    var contentType: String { get }

    /// The event's bytes.
    func encode(_ event: some Encodable) throws -> [UInt8]

    /// The event that ``encode(_:)`` made the bytes of; fields that `type` does not have are ignored.
    func decode<E: Decodable>(_ type: E.Type, from bytes: [UInt8]) throws -> E
}

/// JSON (`application/json`), with dates as ISO 8601 and keys in a fixed order, so that equal events have equal bytes.
public struct JSONCodec: EventCodec {
    public let contentType = "application/json"

    /// A JSON codec; all are alike.
    public init() {}

    public func encode(_ event: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(event))
    }

    public func decode<E: Decodable>(_ type: E.Type, from bytes: [UInt8]) throws -> E {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(bytes))
    }
}

extension EventCodec where Self == JSONCodec {
    /// JSON, the default.
    public static var json: JSONCodec { JSONCodec() }
}
