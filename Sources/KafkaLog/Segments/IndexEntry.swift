import NIOCore

/// An entry of a segment's index file: fixed size, big endian, ascending.
protocol IndexEntry: Sendable, Equatable {
    /// The entry's size in the file.
    static var size: Int { get }
    init?(from buffer: inout ByteBuffer)
    func write(to buffer: inout ByteBuffer)
}

/// An entry of the offset index (`.index`), 8 bytes as in Kafka:
///
///     relativeOffset  int32   last offset of a batch, minus the segment's base offset
///     position        int32   where that batch begins in the `.log` file
///
/// An entry is made for the first batch after every `index.interval.bytes` of log. A reader that looks for an offset
/// begins at the last entry at or before it.
struct OffsetIndexEntry: IndexEntry {
    static let size = 8
    var relativeOffset: Int32
    var position: Int32

    init(relativeOffset: Int32, position: Int32) {
        self.relativeOffset = relativeOffset
        self.position = position
    }

    init?(from buffer: inout ByteBuffer) {
        guard let (relativeOffset, position) = buffer.readMultipleIntegers(as: (Int32, Int32).self) else { return nil }
        self.init(relativeOffset: relativeOffset, position: position)
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(relativeOffset, position)
    }
}

/// An entry of the time index (`.timeindex`), 12 bytes as in Kafka:
///
///     timestamp       int64   the largest timestamp in the segment up to here, milliseconds since 1970
///     relativeOffset  int32   last offset of the first batch with that timestamp, minus the base offset
///
/// No record up to that offset has a later timestamp. Timestamps ascend strictly. The last entry of a closed segment
/// holds the segment's largest timestamp; a segment without timestamps has no entries.
struct TimeIndexEntry: IndexEntry {
    static let size = 12
    var timestamp: Int64
    var relativeOffset: Int32

    init(timestamp: Int64, relativeOffset: Int32) {
        self.timestamp = timestamp
        self.relativeOffset = relativeOffset
    }

    init?(from buffer: inout ByteBuffer) {
        guard let (timestamp, relativeOffset) = buffer.readMultipleIntegers(as: (Int64, Int32).self) else { return nil }
        self.init(timestamp: timestamp, relativeOffset: relativeOffset)
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(timestamp, relativeOffset)
    }
}
