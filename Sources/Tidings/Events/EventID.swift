/// The identity of one event: the same in the outbox, in Kafka and at every reader, however often it is sent.
///
/// `EventID()` makes a new one, a UUID of version 7 whose text sorts by the time it was made. A caller that has a
/// natural identity (a payment's reference, say) passes its own, and a second attempt is then the same event.
///
/// ```swift
/// let id = EventID()                       // 0198c2f1-7c1e-7d0a-9c55-1f0f4a3f2b61
/// let own: EventID = "payment-4711-captured"
/// ```
public struct EventID: RawRepresentable, Hashable, Sendable, Codable, ExpressibleByStringLiteral {
    /// The identity's text, as it stands in the header `ce_id`.
    public let rawValue: String

    /// Uses an identity of the caller's own. Two different events must never have the same one.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Uses an identity of the caller's own.
    public init(_ string: String) {
        self.rawValue = string
    }

    /// Uses an identity of the caller's own.
    public init(stringLiteral value: String) {
        self.rawValue = value
    }

    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// Makes a new identity: UUID version 7 (RFC 9562), 48 bits of milliseconds, then 74 random bits.
    public init() {
        var random = SystemRandomNumberGenerator()
        self.init(milliseconds: Timestamp.now().millisecondsSince1970, random: (random.next(), random.next()))
    }

    init(milliseconds: Int64, random: (UInt64, UInt64)) {
        let high = UInt64(bitPattern: milliseconds) << 16 | 0x7000 | (random.0 & 0x0FFF)
        let low = 0x8000_0000_0000_0000 | (random.1 & 0x3FFF_FFFF_FFFF_FFFF)
        let digits = Array("0123456789abcdef".utf8)
        rawValue = String(unsafeUninitializedCapacity: 36) { text in
            var position = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    text[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 16 ? high : low
                text[position] = digits[Int((word >> UInt64(60 - 4 * (index % 16))) & 0xF)]
                position += 1
            }
            return position
        }
    }
}

extension EventID: CustomStringConvertible {
    public var description: String { rawValue }
}
