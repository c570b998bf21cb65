/// Chooses a SASL mechanism; after version 0, tokens follow without frames.
public struct SaslHandshakeRequest: KafkaRequest {
    public typealias Response = SaslHandshakeResponse
    public static let apiKey = APIKey.saslHandshake
    public static let versions: ClosedRange<Int16> = 0...1

    public var mechanism: String = ""

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&mechanism)
    }
}

/// The mechanisms that the broker offers.
public struct SaslHandshakeResponse: KafkaResponse {
    public typealias Request = SaslHandshakeRequest

    public var errorCode: ErrorCode = .none
    public var mechanisms: [String] = []

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.errorCode(&errorCode)
        try coder.array(&mechanisms)
    }
}
