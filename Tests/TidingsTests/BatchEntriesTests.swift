import Processes
import Testing

@testable import Tidings

@Suite struct BatchEntriesTests {
    @Test("the places of a batch read back, whatever gaps there are", arguments: 0..<20)
    func roundTrip(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var places: [BatchEntries.Place] = []
        var next: BatchEntries.Place = (0, Int64.random(in: 0..<1 << 40, using: &random))
        for _ in 0..<Int.random(in: 0..<200, using: &random) {
            places.append(next)
            next.index += 1
            next.sequence += 1
            if Int.random(in: 0..<10, using: &random) == 0 { next.index += 3 }
            if Int.random(in: 0..<10, using: &random) == 0 { next.sequence += 1000 }
        }
        let read = try BatchEntries.decode(BatchEntries.encode(places))
        #expect(read.map(\.index) == places.map(\.index))
        #expect(read.map(\.sequence) == places.map(\.sequence))
    }

    @Test("a batch without gaps takes a dozen bytes")
    func size() {
        let bytes = BatchEntries.encode((0..<5000).map { (Int32($0), Int64(9_000_000 + $0)) })
        #expect(bytes.count <= 12)
    }

    @Test(
        "damaged bytes are refused",
        arguments: [[0], [0, 0], [0, 0, 0], [0x80], [UInt8](repeating: 0xFF, count: 30)] as [[UInt8]])
    func damaged(bytes: [UInt8]) {
        #expect(throws: TidingsError.self) { try BatchEntries.decode(bytes) }
    }
}
