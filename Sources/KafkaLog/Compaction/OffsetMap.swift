#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The newest offset of every key, in a memory of fixed size: 24 bytes a key, whatever the keys' length.
///
/// It holds 128-bit digests under a random key instead of the keys (docs/decisions/0014-compaction.md): that two keys of ten million
/// have the same one happens once in 10²⁴ cleanings. Open addressing; full at nine tenths. One thread at a time.
final class OffsetMap {
    private struct Slot {
        var high: UInt64
        var low: UInt64
        /// The offset plus one; 0 where there is nothing.
        var mark: Int64
    }

    static let bytesPerKey = MemoryLayout<Slot>.stride
    private static let loadFactor = 0.9

    private let slots: UnsafeMutablePointer<Slot>?
    private let slotCount: Int
    private let hash: SipHash
    /// The most keys it takes.
    let limit: Int
    private(set) var count = 0

    /// - Parameters:
    ///   - bytes: the most memory it may take.
    ///   - keys: how many keys there are at most; it takes no more memory than they need.
    init(bytes: Int, keys: Int64, hash: SipHash = .random()) {
        let affordable = max(16, bytes / Self.bytesPerKey)
        let needed = Double(max(1, keys)) / Self.loadFactor + 1
        let slotCount = needed < Double(affordable) ? max(16, Int(needed)) : affordable
        // Zeroed by the system page by page, when they are touched.
        let memory = calloc(slotCount, Self.bytesPerKey)
        slots = memory?.bindMemory(to: Slot.self, capacity: slotCount)
        self.slotCount = slots == nil ? 0 : slotCount
        limit = Int(Double(self.slotCount) * Self.loadFactor)
        self.hash = hash
    }

    deinit { free(slots) }

    /// Remembers that `key` is at `offset`, which is behind all remembered before. False when there is no room.
    func put(_ key: UnsafeRawBufferPointer, offset: Int64) -> Bool {
        guard let slots, limit > 0 else { return false }
        let digest = hash.digest(key)
        let index = find(digest, slots)
        if slots[index].mark == 0 {
            guard count < limit else { return false }
            count += 1
        }
        slots[index] = Slot(high: digest.high, low: digest.low, mark: offset + 1)
        return true
    }

    /// The newest offset of `key`; `nil` when it was not met.
    func offset(of key: UnsafeRawBufferPointer) -> Int64? {
        guard let slots, count > 0 else { return nil }
        let mark = slots[find(hash.digest(key), slots)].mark
        return mark == 0 ? nil : mark - 1
    }

    /// The slot of a digest, or the free one where it would be. There always is a free one.
    @inline(__always)
    private func find(_ digest: SipHash.Digest, _ slots: UnsafeMutablePointer<Slot>) -> Int {
        var index = Int(digest.high.multipliedFullWidth(by: UInt64(slotCount)).high)
        while slots[index].mark != 0, slots[index].high != digest.high || slots[index].low != digest.low {
            index += 1
            if index == slotCount { index = 0 }
        }
        return index
    }
}
