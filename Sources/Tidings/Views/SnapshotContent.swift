import CCRC32C
import KafkaClient

/// A snapshot's bytes. Integers are big-endian, lengths count bytes.
///
///     magic      8 bytes   "tidview1"
///     crc        uint32    CRC-32C of everything behind it
///     version    int32     of the fold
///     name       length int64, UTF-8
///     positions  count int64, then for each: topic (as the name), partition int32, offset int64
///     payload    the state, to the end of the file
struct SnapshotContent: Sendable {
    struct Damaged: Error, CustomStringConvertible {
        var description: String
    }

    private static let magic = Array("tidview1".utf8)

    /// How much of a snapshot is read for its beginning: positions of some ten thousand partitions.
    static let startSize = 1 << 20

    var name: String
    var version: Int32
    var positions: [TopicPartition: Int64]
    var payload: ArraySlice<UInt8>

    init(name: String, version: Int32, positions: [TopicPartition: Int64], payload: [UInt8]) {
        self.name = name
        self.version = version
        self.positions = positions
        self.payload = payload[...]
    }

    /// - Throws: ``Damaged``.
    init(bytes: [UInt8]) throws {
        guard bytes.starts(with: Self.magic) else { throw Damaged(description: "it is no view's snapshot") }
        var reader = SnapshotReader(bytes[Self.magic.count...])
        let crc = UInt32(bitPattern: try reader.int32())
        guard crc == Self.checksum(reader.rest) else { throw Damaged(description: "its checksum is wrong") }
        try self.init(&reader)
    }

    /// What the beginning of a snapshot says, which nothing vouches for; the payload is cut short.
    ///
    /// - Throws: ``Damaged``.
    init(start: [UInt8]) throws {
        guard start.starts(with: Self.magic) else { throw Damaged(description: "it is no view's snapshot") }
        var reader = SnapshotReader(start[Self.magic.count...])
        _ = try reader.int32()
        try self.init(&reader)
    }

    private init(_ reader: inout SnapshotReader) throws {
        version = try reader.int32()
        name = try reader.text()
        positions = [:]
        for _ in 0..<(try reader.count()) {
            let partition = TopicPartition(try reader.text(), try reader.int32())
            positions[partition] = try reader.int64()
        }
        payload = reader.rest
    }

    var bytes: [UInt8] {
        var writer = SnapshotWriter()
        writer.bytes.reserveCapacity(payload.count + 1024)
        writer.bytes += Self.magic
        writer.append(UInt32(0))
        let start = writer.bytes.count
        writer.append(version)
        writer.append(name)
        writer.append(Int64(positions.count))
        for (partition, offset) in positions.sorted(by: { $0.key < $1.key }) {
            writer.append(partition.topic)
            writer.append(partition.partition)
            writer.append(offset)
        }
        writer.bytes += payload
        let crc = Self.checksum(writer.bytes[start...]).bigEndian
        withUnsafeBytes(of: crc) { writer.bytes.replaceSubrange(start - 4..<start, with: $0) }
        return writer.bytes
    }

    /// Whether it was folded from these topics and no others.
    func isOf(_ topics: [String]) -> Bool { Set(positions.keys.map(\.topic)) == Set(topics) }

    /// Whether it is of the same view, version and topics, and of more of their history.
    func isNewer(than other: SnapshotContent) -> Bool {
        name == other.name && version == other.version && isOf(other.positions.keys.map(\.topic))
            && sum > other.sum
    }

    /// A measure that grows with every record that is read. It may overflow where nothing vouches for the positions.
    private var sum: Int64 { positions.values.reduce(0, &+) }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { tidings_crc32c(0, $0.baseAddress, $0.count) }
    }
}
