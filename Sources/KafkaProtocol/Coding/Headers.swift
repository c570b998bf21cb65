import NIOCore

/// What every request begins with.
///
/// Version 1 has the first four fields, version 2 (flexible requests) ends with tagged fields; the client id is plain in
/// both. Version 0, of ControlledShutdown version 0 alone, is not known here.
public struct RequestHeader: Hashable, Sendable {
    public var apiKey: APIKey
    public var apiVersion: Int16
    /// The client's number for this request; the response carries it back.
    public var correlationID: Int32
    public var clientID: String?

    public init(apiKey: APIKey, apiVersion: Int16, correlationID: Int32, clientID: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// Reads a header and moves the reader index to the body. An unknown API or version is not an error here: the
    /// broker has to answer some of them. On an error the buffer is as it was.
    public static func decode(from buffer: inout ByteBuffer) throws(ProtocolError) -> RequestHeader {
        var rest = buffer
        guard let (key, version, correlationID) = rest.readMultipleIntegers(as: (Int16, Int16, Int32).self) else {
            throw .endsWithin("a request header")
        }
        let apiKey = APIKey(rawValue: key)
        var plain = MessageDecoder(version: 1, isFlexible: false, reading: rest)
        var clientID: String?
        try plain.nullableString(&clientID)
        if apiKey.isFlexible(in: version) {
            var flexible = MessageDecoder(version: 2, isFlexible: true, reading: plain.buffer)
            try flexible.tags()
            buffer = flexible.buffer
        } else {
            buffer = plain.buffer
        }
        return RequestHeader(apiKey: apiKey, apiVersion: version, correlationID: correlationID, clientID: clientID)
    }

    /// Appends the header in the version that `apiKey` and `apiVersion` ask for.
    public func encode(into buffer: inout ByteBuffer) throws(ProtocolError) {
        buffer.writeMultipleIntegers(apiKey.rawValue, apiVersion, correlationID)
        var plain = MessageEncoder(version: 1, isFlexible: false)
        var text = clientID
        try plain.nullableString(&text)
        buffer.writeImmutableBuffer(plain.buffer)
        if apiKey.isFlexible(in: apiVersion) { buffer.writeInteger(UInt8(0)) }
    }
}

/// What every response begins with: the correlation id, and tagged fields where the API's version is flexible, except
/// for ApiVersions, whose answer must be readable by a client that does not know the broker's versions yet (KIP-511).
public struct ResponseHeader: Hashable, Sendable {
    public var correlationID: Int32

    public init(correlationID: Int32) { self.correlationID = correlationID }

    private static func hasTags(_ apiKey: APIKey, _ version: Int16) -> Bool {
        apiKey != .apiVersions && apiKey.isFlexible(in: version)
    }

    public static func decode(
        apiKey: APIKey, apiVersion: Int16, from buffer: inout ByteBuffer
    ) throws(ProtocolError) -> ResponseHeader {
        var decoder = MessageDecoder(
            version: 0, isFlexible: hasTags(apiKey, apiVersion), reading: buffer)
        var correlationID: Int32 = 0
        try decoder.int32(&correlationID)
        try decoder.tags()
        buffer = decoder.buffer
        return ResponseHeader(correlationID: correlationID)
    }

    public func encode(apiKey: APIKey, apiVersion: Int16, into buffer: inout ByteBuffer) {
        buffer.writeInteger(correlationID)
        if Self.hasTags(apiKey, apiVersion) { buffer.writeInteger(UInt8(0)) }
    }
}
