import NIOCore

/// A token of the chosen SASL mechanism (KIP-152).
public struct SaslAuthenticateRequest: KafkaRequest {
    public typealias Response = SaslAuthenticateResponse
    public static let apiKey = APIKey.saslAuthenticate
    public static let versions: ClosedRange<Int16> = 0...2

    public var authBytes: ByteBuffer = ByteBuffer()

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.bytes(&authBytes)
        try coder.tags()
    }
}

/// The broker's token in return.
public struct SaslAuthenticateResponse: KafkaResponse {
    public typealias Request = SaslAuthenticateRequest

    public var errorCode: ErrorCode = .none
    public var errorMessage: String? = ""
    public var authBytes: ByteBuffer = ByteBuffer()
    /// Milliseconds until the client has to authenticate again; 0 for never (KIP-368).
    public var sessionLifetimeMs: Int64 = 0

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.errorCode(&errorCode)
        try coder.nullableString(&errorMessage)
        try coder.bytes(&authBytes)
        try coder.int64(&sessionLifetimeMs, from: 1)
        try coder.tags()
    }
}
