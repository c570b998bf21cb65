/// Kafka's 128-bit identifier, as used for topics; prints the way Kafka's tools print it (URL-safe Base64, 22 letters).
///
/// Not Foundation's `UUID`, so that the broker does without Foundation.
public struct KafkaUUID: Hashable, Sendable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The absent identifier: all bits zero.
    public static let zero = KafkaUUID(high: 0, low: 0)

    /// A random (version 4) identifier whose text does not begin with a dash, which tools would take for an option.
    public static func random() -> KafkaUUID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// As ``random()``, from a generator of the caller's.
    public static func random(using generator: inout some RandomNumberGenerator) -> KafkaUUID {
        while true {
            let high = (UInt64.random(in: .min ... .max, using: &generator) & ~0xF000) | 0x4000
            let low = (UInt64.random(in: .min ... .max, using: &generator) & ~(3 << 62)) | (2 << 62)
            if high >> 58 != 62 { return KafkaUUID(high: high, low: low) }
        }
    }

    /// Reads the text form; `nil` when it is not 22 letters of URL-safe Base64.
    public init?(_ text: some StringProtocol) {
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        var count = 0
        for byte in text.utf8 {
            guard let value = Self.alphabet.firstIndex(of: byte) else { return nil }
            count += 1
            guard count <= 22 else { return nil }
            if count == 22 {
                guard value & 0x0F == 0 else { return nil }
                bits = (bits.high << 2 | bits.low >> 62, bits.low << 2 | UInt64(value >> 4))
            } else {
                bits = (bits.high << 6 | bits.low >> 58, bits.low << 6 | UInt64(value))
            }
        }
        guard count == 22 else { return nil }
        self.init(high: bits.high, low: bits.low)
    }

    public var description: String {
        var letters: [UInt8] = []
        letters.reserveCapacity(22)
        var rest = (high: high, low: low)
        for _ in 0..<22 {
            letters.append(Self.alphabet[Int(rest.high >> 58)])
            rest = (rest.high << 6 | rest.low >> 58, rest.low << 6)
        }
        return String(decoding: letters, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}
