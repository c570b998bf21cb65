import KafkaClient
import Logging
import Testing
import TidingsTesting

@testable import Tidings

@Suite("Snapshots of views")
struct SnapshotTests {
    private let content = SnapshotContent(
        name: "Grüße", version: -3, positions: [TopicPartition("t", 0): 7, TopicPartition("u", 11): 1 << 40],
        payload: [0, 1, 255])

    @Test("a snapshot comes back as it was")
    func roundTrip() throws {
        let back = try SnapshotContent(bytes: content.bytes)
        #expect(back.name == content.name && back.version == -3 && back.payload == content.payload)
        #expect(back.positions == content.positions)
        #expect(back.isOf(["u", "t"]) && !back.isOf(["t"]) && !back.isOf(["t", "u", "v"]))
    }

    @Test("a snapshot that is cut short anywhere, or has one bit turned anywhere, is found out")
    func damage() {
        let bytes = content.bytes
        for length in 0..<bytes.count {
            #expect(throws: SnapshotContent.Damaged.self) { try SnapshotContent(bytes: Array(bytes[..<length])) }
        }
        for bit in 0..<bytes.count * 8 {
            var turned = bytes
            turned[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: SnapshotContent.Damaged.self) { try SnapshotContent(bytes: turned) }
        }
    }

    @Test("lengths that lie are found out, and nothing is allocated for them")
    func lyingLengths() {
        for length in [Int64.max, Int64.min, -1, 1 << 40] {
            var writer = SnapshotWriter()
            writer.append(length)
            var reader = SnapshotReader(writer.bytes[...])
            #expect(throws: SnapshotContent.Damaged.self) { try reader.blob() }
        }
    }

    @Test("a file is replaced as a whole, and one that is not there is none")
    func files() throws {
        let folder = try TemporaryDirectory.make(prefix: "tidings-snapshot")
        defer { try? TemporaryDirectory.remove(folder) }
        let file = folder + "/a.view"
        #expect(try SnapshotFile.read(file) == nil)
        try SnapshotFile.write([1, 2, 3], to: file)
        try SnapshotFile.write([4], to: file)
        #expect(try SnapshotFile.read(file) == [4])
        #expect(try SnapshotFile.read(file + ".new") == nil)
        #expect(throws: SnapshotFile.Failure.self) { try SnapshotFile.write([], to: folder + "/none/a.view") }
    }

    @Test("entries come back one by one")
    func entries() throws {
        let snapshots = ViewSnapshots<[String: Int]>.entries(in: .file(""), version: 1) {
            Array(String($0).utf8)
        } decode: {
            Int(String(decoding: $0, as: UTF8.self)) ?? -1
        }
        let entries = Dictionary(uniqueKeysWithValues: (0..<1000).map { ("key \($0)", $0 * $0) })
        #expect(try snapshots.decode(snapshots.encode(entries)[...]) == entries)
        #expect(throws: (any Error).self) { try snapshots.decode(snapshots.encode(entries).dropLast()) }
    }
}
