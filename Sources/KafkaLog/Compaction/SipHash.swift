/// SipHash-2-4 with 128 bits: a keyed digest of short inputs (Aumasson and Bernstein, 2012, and its 128-bit variant).
///
/// Nobody who does not know the key can find two inputs of one digest, so that not even a hostile producer can make the
/// cleaner take one key for another.
struct SipHash: Sendable {
    struct Digest: Hashable, Sendable {
        var high: UInt64
        var low: UInt64
    }

    let key: (UInt64, UInt64)

    init(key: (UInt64, UInt64)) { self.key = key }

    /// With a key that nobody knows.
    static func random() -> SipHash {
        var random = SystemRandomNumberGenerator()
        return SipHash(key: (random.next(), random.next()))
    }

    func digest(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var state = State(key)
        let whole = bytes.count & ~7
        var index = 0
        while index < whole {
            state.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var last = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while index < bytes.count {
            last |= UInt64(bytes[index]) &<< shift
            shift += 8
            index += 1
        }
        state.absorb(last)
        return state.finish()
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = key.0 ^ 0x736F_6D65_7073_6575
            v1 = key.1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key.0 ^ 0x6C79_6765_6E65_7261
            v3 = key.1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish() -> Digest {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return Digest(high: v0 ^ v1 ^ v2 ^ v3, low: low)
        }

        @inline(__always)
        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        @inline(__always)
        private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
            (value &<< count) | (value &>> (64 - count))
        }
    }
}
