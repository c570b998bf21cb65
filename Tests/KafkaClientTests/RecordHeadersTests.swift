import KafkaClient
import Testing

@Suite struct RecordHeadersTests {
    private let all: RecordHeaders = [
        RecordHeader("a", "1"), RecordHeader("a", nil), RecordHeader("ümlaut", []), RecordHeader("", [0, 255]),
    ]

    @Test func `headers come out as they went in, in their order`() {
        #expect(
            Array(all) == [
                RecordHeader("a", "1"), RecordHeader("a", nil), RecordHeader("ümlaut", []), RecordHeader("", [0, 255]),
            ])
        #expect(all.count == 4)
        #expect(all.size == 1 + 1 + 1 + 7 + 2)
        #expect(!all.isEmpty && RecordHeaders().isEmpty && Array(RecordHeaders()) == [])
    }

    @Test func `one by one, as text or together makes no difference`() {
        var built = RecordHeaders()
        built.append("a", "1")
        var rest: RecordHeaders = [RecordHeader("a", nil)]
        rest.append("ümlaut", [])
        rest.append(RecordHeader("", [0, 255]))
        built.append(contentsOf: rest)
        #expect(built == all)
    }

    @Test func `their bytes give them again, and damaged bytes do not`() throws {
        #expect(RecordHeaders(bytes: all.bytes) == all)
        let whole = [1, 2, 3, 4].map { RecordHeaders(Array(all).prefix($0)).bytes.count }
        for end in all.bytes.indices.dropFirst() where !whole.contains(end) {
            #expect(RecordHeaders(bytes: Array(all.bytes[..<end])) == nil, "cut at \(end)")
        }
        var badName = all.bytes
        badName[4] = 0xFF
        #expect(RecordHeaders(bytes: badName) == nil)
        #expect(RecordHeaders(bytes: [0xFF, 0xFF, 0xFF, 0xFE]) == nil)
        #expect(RecordHeaders(bytes: [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]) == nil, "no name")
    }
}
