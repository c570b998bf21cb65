import Testing

@testable import KafkaLog

@Suite("What to clean") struct CleaningPlanTests {
    func facts(
        _ sizes: [Int64] = [100, 100, 100, 100], cleanEnd: Int64 = 0, stable: Int64 = .max, newest: [Int64] = [],
        oldest: Int64? = nil
    ) -> CleaningPlan.Facts {
        let closed = sizes.enumerated().map { index, size in
            CleaningPlan.Segment(
                base: Int64(index) * 10, end: Int64(index) * 10 + 10, size: size,
                maxTimestamp: newest.isEmpty ? -1 : newest[index])
        }
        return CleaningPlan.Facts(
            closed: closed, logStartOffset: 0, lastStableOffset: stable, cleanEnd: cleanEnd,
            oldestDirtyTimestamp: oldest, now: 10_000)
    }

    func configuration(_ change: (inout LogConfiguration) -> Void = { _ in }) -> LogConfiguration {
        var configuration = LogConfiguration()
        configuration.isCompacted = true
        change(&configuration)
        return configuration
    }

    @Test("the dirty share is that of the bytes behind what was cleaned, and must be more than the ratio")
    func ratio() throws {
        let half = try #require(CleaningPlan(facts(cleanEnd: 20), configuration()))
        #expect(half.dirtyRatio == 0.5 && half.end == 40 && half.cleanEnd == 20)
        #expect(!half.isDue(configuration()))
        #expect(half.isDue(configuration { $0.minCleanableDirtyRatio = 0.4 }))
        #expect(CleaningPlan(facts(cleanEnd: 40), configuration()) == nil)
        #expect(CleaningPlan(facts([]), configuration()) == nil)
        #expect(CleaningPlan(facts([100, 0], cleanEnd: 10), configuration()) == nil)
    }

    @Test("what was cleaned in part counts as dirty; a checkpoint beyond the end of the log says nothing")
    func checkpoints() {
        #expect(CleaningPlan(facts(cleanEnd: 25), configuration())?.dirtyRatio == 0.5)
        #expect(CleaningPlan(facts(cleanEnd: 99), configuration())?.cleanEnd == 0)
        var moved = facts(cleanEnd: 5)
        moved.logStartOffset = 12
        #expect(CleaningPlan(moved, configuration())?.cleanEnd == 12)
    }

    @Test("it ends before undecided transactions and before records that are too young")
    func end() {
        #expect(CleaningPlan(facts(stable: 29), configuration())?.end == 20)
        #expect(CleaningPlan(facts(stable: 3), configuration()) == nil)
        let lag = configuration { $0.minCompactionLagMilliseconds = 1000 }
        #expect(CleaningPlan(facts(newest: [1, 8999, 9001, 5]), lag)?.end == 20)
        #expect(CleaningPlan(facts(newest: [9001, 1, 1, 1]), lag) == nil)
        // What was cleaned already is not young any more.
        #expect(CleaningPlan(facts(cleanEnd: 10, newest: [9001, 1, 1, 1]), lag)?.end == 40)
    }

    @Test("a record that waits for longer than max.compaction.lag.ms makes it due, whatever the ratio")
    func overdue() {
        let lag = configuration {
            $0.maxCompactionLagMilliseconds = 1000
            $0.minCleanableDirtyRatio = 1
        }
        #expect(CleaningPlan(facts(oldest: 9000), lag)?.isDue(lag) == false)
        #expect(CleaningPlan(facts(oldest: 8999), lag)?.isDue(lag) == true)
    }

    @Test("neighbours become one segment while their bytes and their offsets fit")
    func groups() throws {
        let plan = try #require(CleaningPlan(facts([60, 30, 10, 90, 20]), configuration()))
        #expect(plan.groups(before: 50, segmentBytes: 100).map { $0.map(\.base) } == [[0, 10, 20], [30], [40]])
        #expect(plan.groups(before: 35, segmentBytes: 100).map { $0.map(\.base) } == [[0, 10, 20], [30]])
        #expect(plan.groups(before: 50, segmentBytes: 10).count == 5)
        var far = facts([1, 1])
        far.closed[1].end = 1 << 31
        #expect(CleaningPlan(far, configuration())?.groups(before: .max, segmentBytes: 100).count == 1)
        far.closed[1].end += 1
        #expect(CleaningPlan(far, configuration())?.groups(before: .max, segmentBytes: 100).count == 2)
    }

    @Test("the digest is SipHash-2-4 with 128 bits")
    func digest() {
        let key = Array(UInt8(0)..<16)
        let words = key.withUnsafeBytes {
            ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        let hash = SipHash(key: words)
        func hex(_ count: UInt8) -> [UInt8] {
            let digest = Array(UInt8(0)..<count).withUnsafeBytes { hash.digest($0) }
            return withUnsafeBytes(of: (digest.low.littleEndian, digest.high.littleEndian)) { Array($0) }
        }
        #expect(
            hex(0) == [
                0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93,
            ])
        #expect(
            hex(1) == [
                0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45,
            ])
    }

    @Test("the map holds the newest offset of every key, as many as fit and no more")
    func offsetMap() {
        let map = OffsetMap(bytes: 24 * 1000, keys: .max)
        #expect(map.limit == 900)
        func put(_ key: Int, _ offset: Int64) -> Bool {
            Array("key \(key)".utf8).withUnsafeBytes { map.put($0, offset: offset) }
        }
        for key in 0..<900 { #expect(put(key, Int64(key))) }
        #expect(!put(900, 900))
        for key in 0..<900 { #expect(put(key, Int64(key) + 1000)) }
        for key in 0..<1000 {
            let found = Array("key \(key)".utf8).withUnsafeBytes { map.offset(of: $0) }
            #expect(found == (key < 900 ? Int64(key) + 1000 : nil))
        }
        #expect(OffsetMap(bytes: 1 << 30, keys: 3).limit < 20)
    }
}
