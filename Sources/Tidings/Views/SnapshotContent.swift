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

    var name: String
    var version: Int32
    var positions: [TopicPartition: Int64]
    var payload: [UInt8]

    init(name: String, version: Int32, positions: [TopicPartition: Int64], payload: [UInt8]) {
        self.name = name
        self.version = version
        self.positions = positions
        self.payload = payload
    }

    /// - Throws: ``Damaged``.
    init(bytes: [UInt8]) throws {
        guard bytes.starts(with: Self.magic) else { throw Damaged(description: "it is no view's snapshot") }
        var reader = SnapshotReader(bytes[Self.magic.count...])
        let crc = UInt32(bitPattern: try reader.int32())
        guard crc == Self.checksum(reader.rest) else { throw Damaged(description: "its checksum is wrong") }
        version = try reader.int32()
        name = try reader.text()
        positions = [:]
        for _ in 0..<(try reader.count()) {
            let partition = TopicPartition(try reader.text(), try reader.int32())
            positions[partition] = try reader.int64()
        }
        payload = Array(reader.rest)
    }

    var bytes: [UInt8] {
        var body = SnapshotWriter()
        body.append(version)
        body.append(name)
        body.append(Int64(positions.count))
        for (partition, offset) in positions.sorted(by: { $0.key < $1.key }) {
            body.append(partition.topic)
            body.append(partition.partition)
            body.append(offset)
        }
        body.bytes += payload
        var whole = SnapshotWriter()
        whole.bytes.reserveCapacity(body.bytes.count + 12)
        whole.bytes += Self.magic
        whole.append(Int32(bitPattern: Self.checksum(body.bytes[...])))
        whole.bytes += body.bytes
        return whole.bytes
    }

    /// Whether it was folded from these topics and no others.
    func isOf(_ topics: [String]) -> Bool { Set(positions.keys.map(\.topic)) == Set(topics) }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { tidings_crc32c(0, $0.baseAddress, $0.count) }
    }
}

/// Writes a snapshot's fields one after the other.
struct SnapshotWriter {
    var bytes: [UInt8] = []

    mutating func append<I: FixedWidthInteger>(_ value: I) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) {
        append(Int64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func append(_ blob: [UInt8]) {
        append(Int64(blob.count))
        bytes.append(contentsOf: blob)
    }
}

/// Reads them back; never beyond the end, whatever a length says.
struct SnapshotReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func int32() throws -> Int32 { try integer() }
    mutating func int64() throws -> Int64 { try integer() }

    /// How many entries follow, each of which has at least a byte.
    mutating func count() throws -> Int {
        guard let count = Int(exactly: try int64()), (0...rest.count).contains(count) else { throw Self.short }
        return count
    }

    mutating func blob() throws -> ArraySlice<UInt8> { try take(try count()) }

    mutating func text() throws -> String {
        guard let text = String(validating: try blob(), as: UTF8.self) else {
            throw SnapshotContent.Damaged(description: "a name in it is not UTF-8")
        }
        return text
    }

    private mutating func integer<I: FixedWidthInteger>() throws -> I {
        let bytes = try take(MemoryLayout<I>.size)
        return bytes.reduce(into: I.zero) { $0 = $0 << 8 | I(truncatingIfNeeded: $1) }
    }

    private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count <= rest.count else { throw Self.short }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    private static var short: SnapshotContent.Damaged { .init(description: "it ends too early") }
}
