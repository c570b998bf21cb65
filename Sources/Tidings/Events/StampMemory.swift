/// What a reader remembers of the stamps of one source in one partition, to know a relay's duplicates.
///
/// ```swift
/// var memory = StampMemory(bytes: stored) ?? StampMemory()
/// if memory.insert(stamp) {          // else it was handled before
///     try handle(event)
///     stored = memory.bytes          // in the same transaction
/// }
/// ```
///
/// It needs no window of time: the relay sends nothing of a batch before all of the one before is in Kafka (see
/// ``EventStamp``), so whatever belongs to an earlier batch than the latest has been here already, and of the latest the
/// memory knows which events have. It keeps these as ranges of indices, some bytes as a rule, at most two for each
/// event of a batch.
///
/// Within the latest batch not only the highest index counts: where Kafka refuses an event and takes a later one of the
/// same batch, and the relay dies before it has written that down, the next one may get the refused event accepted, and
/// it must not be taken for a duplicate.
public struct StampMemory: Hashable, Sendable {
    private var batch: Int64 = -1
    private var seen: [Range<Int32>] = []

    /// A memory of nothing.
    public init() {}

    /// Whether the stamp's event has been here.
    public func contains(_ stamp: EventStamp) -> Bool {
        if stamp.batch != batch { return stamp.batch < batch }
        return seen.last.map { stamp.index < $0.upperBound } ?? false && seen.contains { $0.contains(stamp.index) }
    }

    /// Remembers a stamp; false when its event has been here.
    ///
    /// - Returns: whether the event is new.
    public mutating func insert(_ stamp: EventStamp) -> Bool {
        if contains(stamp) { return false }
        if stamp.batch > batch {
            batch = stamp.batch
            seen = []
        }
        let place = seen.lastIndex { $0.lowerBound < stamp.index }.map { $0 + 1 } ?? 0
        var range = stamp.index..<stamp.index + 1
        var replaced = place..<place
        if place > 0, seen[place - 1].upperBound == stamp.index {
            range = seen[place - 1].lowerBound..<range.upperBound
            replaced = place - 1..<place
        }
        if place < seen.count, seen[place].lowerBound == range.upperBound {
            range = range.lowerBound..<seen[place].upperBound
            replaced = replaced.lowerBound..<place + 1
        }
        seen.replaceSubrange(replaced, with: [range])
        return true
    }

    /// What both remember, where readers have shared the events of a source among them.
    public func merging(_ other: StampMemory) -> StampMemory {
        if batch != other.batch { return batch > other.batch ? self : other }
        var merged = self
        for range in other.seen {
            for index in range {
                // The source does not matter to a memory.
                _ = merged.insert(EventStamp(source: StampSource(outbox: "", shard: 0), batch: batch, index: index))
            }
        }
        return merged
    }

    /// For a column of a table: the batch (64 bits, big-endian), then for each range the distance from the one before
    /// and its length, as numbers of 7 bits a byte, the lowest first.
    public var bytes: [UInt8] {
        var bytes = withUnsafeBytes(of: batch.bigEndian) { Array($0) }
        var end: Int32 = 0
        for range in seen {
            StampMemory.append(UInt32(range.lowerBound - end), to: &bytes)
            StampMemory.append(UInt32(range.count), to: &bytes)
            end = range.upperBound
        }
        return bytes
    }

    /// Reads what ``bytes`` gave; nil when it is something else.
    public init?(bytes: [UInt8]) {
        guard bytes.count >= 8 else { return nil }
        batch = Int64(bitPattern: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
        var rest = bytes[8...]
        var end: Int32 = 0
        while !rest.isEmpty {
            guard let gap = StampMemory.take(from: &rest), let length = StampMemory.take(from: &rest), length > 0
            else { return nil }
            let (lower, tooFar) = end.addingReportingOverflow(gap)
            let (upper, tooLong) = lower.addingReportingOverflow(length)
            guard !tooFar, !tooLong, seen.isEmpty || gap > 0 else { return nil }
            seen.append(lower..<upper)
            end = upper
        }
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        var number = number
        while number >= 0x80 {
            bytes.append(UInt8(number & 0x7F) | 0x80)
            number >>= 7
        }
        bytes.append(UInt8(number))
    }

    private static func take(from rest: inout ArraySlice<UInt8>) -> Int32? {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 28, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int32(exactly: number) }
        }
        return nil
    }
}
