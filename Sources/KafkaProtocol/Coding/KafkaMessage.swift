import NIOCore

/// The body of a request or response: what follows the header in a frame.
public protocol KafkaMessage: KafkaStructure {
    static var apiKey: APIKey { get }
    /// The versions described here, all of them tested. A broker may advertise fewer.
    static var versions: ClosedRange<Int16> { get }

    /// Writes all fields. Do not implement: a requirement only so that each message gets a specialised copy.
    func write(to encoder: inout MessageEncoder) throws(ProtocolError)
    /// Reads all fields. Do not implement, for the same reason.
    static func read(from decoder: inout MessageDecoder) throws(ProtocolError) -> Self
}

public protocol KafkaRequest: KafkaMessage {
    associatedtype Response: KafkaResponse where Response.Request == Self
}

public protocol KafkaResponse: KafkaMessage {
    associatedtype Request: KafkaRequest where Request.Response == Self
}

extension KafkaResponse {
    public static var apiKey: APIKey { Request.apiKey }
    public static var versions: ClosedRange<Int16> { Request.versions }
}

extension KafkaMessage {
    /// The first version in the flexible encoding (KIP-482); `nil` when there is none.
    public static var firstFlexibleVersion: Int16? { apiKey.firstFlexibleVersion }

    public func write(to encoder: inout MessageEncoder) throws(ProtocolError) {
        var copy = self
        try copy.describe(&encoder)
    }

    public static func read(from decoder: inout MessageDecoder) throws(ProtocolError) -> Self {
        var message = Self()
        try message.describe(&decoder)
        return message
    }

    /// Appends the body in the encoding of `version`. A field that this version does not have is left out.
    ///
    /// - Throws: ``ProtocolError`` for a version not described, a null where the version has none, or a value that does
    ///   not fit; `buffer` is then as it was.
    public func encode(version: Int16, into buffer: inout ByteBuffer) throws(ProtocolError) {
        try Self.check(version)
        // The encoder is given the only reference to the buffer, so that appending does not copy it.
        let start = buffer.writerIndex
        var encoder = MessageEncoder(
            version: version, isFlexible: Self.apiKey.isFlexible(in: version), appendingTo: buffer)
        buffer = ByteBuffer()
        do throws(ProtocolError) {
            try write(to: &encoder)
        } catch {
            buffer = encoder.buffer
            buffer.moveWriterIndex(to: start)
            throw error
        }
        buffer = encoder.buffer
    }

    /// Reads a body in the encoding of `version`, and moves the reader index past it. Byte fields are slices of
    /// `buffer`, not copies.
    ///
    /// - Parameter elementLimit: the most array elements the message may hold in all.
    /// - Throws: ``ProtocolError``; `buffer` is then as it was.
    public static func decode(
        version: Int16, from buffer: inout ByteBuffer, elementLimit: Int = MessageDecoder.defaultElementLimit
    ) throws(ProtocolError) -> Self {
        try check(version)
        var decoder = MessageDecoder(
            version: version, isFlexible: apiKey.isFlexible(in: version), reading: buffer, elementLimit: elementLimit)
        let message = try read(from: &decoder)
        buffer = decoder.buffer
        return message
    }

    private static func check(_ version: Int16) throws(ProtocolError) {
        guard versions.contains(version) else {
            throw ProtocolError(
                .unsupportedVersion,
                "\(apiKey) version \(version); versions \(versions.lowerBound) to \(versions.upperBound) are known")
        }
    }
}
