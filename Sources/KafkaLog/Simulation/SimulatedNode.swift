/// A simulated file's content: what the disk holds, what readers see, and the writes in between.
struct SimulatedContent {
    /// A change that the disk has not been told to keep yet.
    enum Change {
        case write(position: Int, bytes: [UInt8])
        case truncate(size: Int)
    }

    /// What a power cut cannot take.
    private(set) var durable: [UInt8] = []
    /// What reads return: the page cache.
    private(set) var current: [UInt8] = []
    /// Changes since the last sync, in order.
    private(set) var pending: [Change] = []

    mutating func write(_ bytes: [UInt8], at position: Int) {
        guard !bytes.isEmpty else { return }
        let change = Change.write(position: position, bytes: bytes)
        Self.apply(change, to: &current)
        pending.append(change)
    }

    mutating func truncate(to size: Int) {
        guard size != current.count else { return }
        let change = Change.truncate(size: size)
        Self.apply(change, to: &current)
        pending.append(change)
    }

    mutating func sync() {
        for change in pending { Self.apply(change, to: &durable) }
        pending.removeAll()
    }

    /// What Linux does after an error on write-back: the pages count as clean, so that no later sync writes them, yet
    /// reads still show them until the power goes.
    mutating func failSync() { pending.removeAll() }

    /// Reads show what the disk holds, and what it was not told to keep yet.
    mutating func dropCached() {
        current = durable
        for change in pending { Self.apply(change, to: &current) }
    }

    /// Decides what of the pending changes reached the disk.
    mutating func cutPower(_ order: SimulatedFileSystem.WriteOrder, _ random: inout SeededRandom) {
        switch order {
        case .kept:
            let survivors = pending.isEmpty ? 0 : Int.random(in: 0...pending.count, using: &random)
            for change in pending.prefix(survivors) { Self.apply(change, to: &durable) }
            if survivors < pending.count { tear(pending[survivors], &random) }
        case .any:
            for change in pending {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: break
                case 1: Self.apply(change, to: &durable)
                default: tear(change, &random)
                }
            }
        }
        pending.removeAll()
        current = durable
    }

    /// Flips one bit on the disk (if it got there) and in the cache: rot.
    mutating func flipBit(at position: Int, bit: Int) {
        if position < durable.count { durable[position] ^= 1 << UInt8(bit) }
        current[position] ^= 1 << UInt8(bit)
    }

    /// A part of one write arrives: its beginning, then nothing, zeros or garbage.
    private mutating func tear(_ change: Change, _ random: inout SeededRandom) {
        guard case .write(let position, var bytes) = change else { return }
        let kept = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            bytes.removeSubrange(kept...)
        case 1:
            for index in kept..<bytes.count { bytes[index] = 0 }
        default:
            for index in kept..<bytes.count { bytes[index] = UInt8.random(in: 0...255, using: &random) }
        }
        if !bytes.isEmpty { Self.apply(.write(position: position, bytes: bytes), to: &durable) }
    }

    private static func apply(_ change: Change, to content: inout [UInt8]) {
        switch change {
        case .write(let position, let bytes):
            let end = position + bytes.count
            if content.count < end { content.append(contentsOf: repeatElement(0, count: end - content.count)) }
            content.replaceSubrange(position..<end, with: bytes)
        case .truncate(let size):
            if size < content.count {
                content.removeSubrange(size...)
            } else {
                content.append(contentsOf: repeatElement(0, count: size - content.count))
            }
        }
    }
}

/// A simulated directory: names to node numbers, on the disk and in memory.
struct SimulatedDirectory {
    enum Change {
        case set(name: String, node: Int)
        case remove(name: String)
        case rename(name: String, newName: String)
    }

    private(set) var durable: [String: Int] = [:]
    private(set) var current: [String: Int] = [:]
    private var pending: [Change] = []

    mutating func change(_ change: Change) {
        Self.apply(change, to: &current)
        pending.append(change)
    }

    mutating func sync() {
        for change in pending { Self.apply(change, to: &durable) }
        pending.removeAll()
    }

    /// The first so many changes reached the disk (a journal keeps their order), the rest never happened.
    mutating func cutPower(_ random: inout SeededRandom) {
        let survivors = pending.isEmpty ? 0 : Int.random(in: 0...pending.count, using: &random)
        for change in pending.prefix(survivors) { Self.apply(change, to: &durable) }
        pending.removeAll()
        current = durable
    }

    private static func apply(_ change: Change, to names: inout [String: Int]) {
        switch change {
        case .set(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        case .rename(let name, let newName):
            names[newName] = names[name]
            names[name] = nil
        }
    }
}
