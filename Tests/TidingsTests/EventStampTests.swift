import Processes
import Testing
import Tidings

@Suite struct EventStampTests {
    private let source = StampSource(outbox: "5f0c", shard: 3)

    @Test("a stamp reads back from its header")
    func roundTrip() throws {
        let stamp = EventStamp(source: source, batch: 4711, index: 12)
        #expect(stamp.header == EventHeader("tidings-stamp", "5f0c/3/4711/12"))
        #expect(EventStamp([EventHeader("ce_id", "a"), stamp.header]) == stamp)
        #expect(EventStamp([EventHeader("ce_id", "a")]) == nil)
    }

    @Test("a header says what the description says", arguments: [0, 9, 10, 99, 100, 4_294_967_296, Int64.max, -1])
    func digits(batch: Int64) {
        let stamp = EventStamp(source: source, batch: batch, index: Int32(truncatingIfNeeded: max(0, batch) & 0xFFFF))
        #expect(stamp.header.text == stamp.description)
    }

    @Test(
        "what is no stamp is none",
        arguments: ["", "a/1/2", "/1/2/3", "a/-1/2/3", "a/1/2/x", "a/1/2/3/4", "a/1//3", "a/1/2/2147483647"])
    func foreign(text: String) {
        #expect(EventStamp(text) == nil)
    }

    @Test("stamps of a source are in the order in which they were given")
    func order() {
        let stamps = [(1, 9), (2, 0), (2, 10), (10, 1)].map {
            EventStamp(source: source, batch: Int64($0.0), index: Int32($0.1))
        }
        #expect(stamps.shuffled().sorted() == stamps)
    }

    @Test("a batch that is sent again brings only what was not there before")
    func sentAgain() {
        var memory = StampMemory()
        #expect([1, 2, 5].map { memory.insert(stamp(7, $0)) } == [true, true, true])
        #expect([1, 2, 3, 5, 8].map { memory.insert(stamp(7, $0)) } == [false, false, true, false, true])
        #expect([stamp(8, 0), stamp(7, 4)].map { memory.insert($0) } == [true, false], "an earlier batch is over")
    }

    @Test("a memory gives the same answers as a set of stamps, and reads back from its bytes", arguments: 0..<20)
    func model(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var memory = StampMemory()
        var batch: Int64 = 0
        var seen: Set<Int32> = []
        for _ in 0..<300 {
            if Int.random(in: 0..<100, using: &random) == 0 {
                batch += 1
                seen = []
            }
            let index = Int32.random(in: 0..<200, using: &random)
            let isNew = memory.insert(stamp(batch, index))
            #expect(isNew == seen.insert(index).inserted)
            let stored = try #require(StampMemory(bytes: memory.bytes))
            #expect(stored == memory)
        }
    }

    @Test("the last place of a batch can be remembered")
    func lastPlace() {
        var memory = StampMemory()
        let last = stamp(1, EventStamp.lastIndex)
        #expect([memory.insert(last), memory.insert(last)] == [true, false])
        #expect(StampMemory(bytes: memory.bytes) == memory)
    }

    @Test("a batch received in order is remembered in a dozen bytes")
    func size() {
        var memory = StampMemory()
        for index: Int32 in 0..<10_000 { _ = memory.insert(stamp(1, index)) }
        #expect(memory.bytes.count <= 12)
    }

    @Test("bytes that are no memory are none", arguments: [[], [0], [UInt8](repeating: 0xFF, count: 30)])
    func damaged(bytes: [UInt8]) {
        #expect(StampMemory(bytes: bytes) == nil)
    }

    private func stamp(_ batch: Int64, _ index: Int32) -> EventStamp {
        EventStamp(source: source, batch: batch, index: index)
    }
}
