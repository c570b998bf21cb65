#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

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

    /// Makes a new identity: UUID version 7 (RFC 9562), 48 bits of milliseconds, 12 of a millisecond's parts (its section
    /// 6.2, method 3), then 62 random bits.
    public init() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        var random = SystemRandomNumberGenerator()
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec), random: random.next())
    }

    init(seconds: Int64, nanoseconds: Int64, random: UInt64) {
        let milliseconds = seconds * 1000 + nanoseconds / 1_000_000
        let parts = UInt64(nanoseconds % 1_000_000) * 4096 / 1_000_000
        let high = UInt64(bitPattern: milliseconds) << 16 | 0x7000 | parts
        let low = 0x8000_0000_0000_0000 | (random & 0x3FFF_FFFF_FFFF_FFFF)
        rawValue = String(unsafeUninitializedCapacity: 36) { text in
            var position = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    text[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = index < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index % 16))) & 0xF
                text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                position += 1
            }
            return position
        }
    }
}

extension EventID: CustomStringConvertible {
    public var description: String { rawValue }
}
