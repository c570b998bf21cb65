import Testing

@testable import Tidings

@Suite struct LaneTests {
    @Test("a transaction takes as many events as keep it short")
    func pace() {
        let pace = Pace(maximumCount: 500, maximumTime: .milliseconds(100))
        #expect(pace.limit == 20, "before anything is known")
        pace.took(.milliseconds(2), for: 20)
        #expect(pace.limit == 500, "a tenth of a millisecond each")
        for _ in 0..<20 { pace.took(.milliseconds(500), for: 10) }
        #expect((2...3).contains(pace.limit), "50 milliseconds each: \(pace.limit)")
        for _ in 0..<20 { pace.took(.seconds(10), for: 1) }
        #expect(pace.limit == 1)
    }

    @Test("each key has one lane, the keys of a partition are spread over all of them, and those without are lane 0's")
    func spreads() {
        let lanes = (0..<4000).map { PartitionLanes.lane(of: Array("order-\($0)".utf8), count: 8) }
        let counts = Dictionary(grouping: lanes) { $0 }.mapValues(\.count)
        #expect(counts.count == 8 && counts.values.allSatisfy { (350...650).contains($0) }, "\(counts)")
        #expect(PartitionLanes.lane(of: nil, count: 8) == 0)
        // Stored offsets depend on it: it must be the same in every version.
        #expect(PartitionLanes.lane(of: Array("order-1".utf8), count: 8) == lanes[1])
        #expect((0..<6).map { lanes[$0] } == [4, 3, 4, 5, 4, 4])
    }

    @Test("divided anew, every lane is as far as the furthest was and remembers what any of them did")
    func divides() {
        let source = StampSource(outbox: "o", shard: 0)
        func memory(_ batch: Int64, _ indices: [Int32]) -> [StampSource: StampMemory] {
            var memory = StampMemory()
            for index in indices { _ = memory.insert(EventStamp(source: source, batch: batch, index: index)) }
            return [source: memory]
        }
        let lanes = PartitionLanes([
            LaneState(Lane(0, of: 3), offset: 5, memories: memory(7, [1, 4])),
            LaneState(Lane(1, of: 3), offset: 9, memories: memory(7, [2, 3])),
            LaneState(Lane(2, of: 3), offset: 7, memories: memory(6, [0])),
        ])
        #expect(lanes.isComplete && lanes.start == 5 && lanes.end == 9)
        let new = lanes.divided(into: 2, at: 9)
        #expect(new == (0..<2).map { LaneState(Lane($0, of: 2), offset: 9, memories: memory(7, [1, 2, 3, 4])) })
        #expect(PartitionLanes([]).start == nil)
    }

    @Test("a lane whose row was removed by hand starts anew, and lanes that do not belong together are an error")
    func stored() throws {
        let place = GroupPartition(group: "g", topic: "order", partition: 0)
        let kept = LaneState(Lane(1, of: 2), offset: 3)
        let lanes = try PartitionLanes(stored: [kept], of: place)
        #expect(lanes.states == [LaneState(Lane(0, of: 2), offset: nil), kept])
        #expect(lanes.stored == [kept])
        #expect(!lanes.isComplete && lanes.start == nil && lanes.end == 3)
        for wrong in [LaneState(Lane(0, of: 3), offset: 1), LaneState(Lane(2, of: 2), offset: 1)] {
            let error = #expect(throws: TidingsError.self) { try PartitionLanes(stored: [kept, wrong], of: place) }
            #expect(error?.code == .inconsistentOffsets)
        }
    }

    @Test("a look that is asked for again and again goes in turn with the batches")
    func looks() async {
        let queue = BatchQueue<Int>(capacity: 4)
        _ = (queue.offer(1), queue.offer(2))
        var seen: [String] = []
        for _ in 0..<5 {
            queue.look()
            switch await queue.next().0 {
            case .batch(let number): seen.append("\(number)")
            case .look: seen.append("look")
            case .end: seen.append("end")
            }
        }
        #expect(seen == ["look", "1", "look", "2", "look"])
    }

    @Test("a queue asks for a pause when it is full, and for resuming when there is room again, however they cross")
    func queue() async {
        let queue = BatchQueue<Int>(capacity: 2)
        #expect(queue.offer(1) == false)
        #expect(queue.offer(2) == true)
        #expect(queue.didPause() == false)
        let first = await queue.next()
        #expect(first.resumes)
        #expect(queue.offer(3) == true)
        // It is emptied while the reader pauses: then the reader resumes.
        for _ in 0..<2 { #expect(await queue.next().resumes == false) }
        #expect(queue.didPause() == true)
        // Resuming overtook the pause: what comes all the same asks for one again.
        for number in 5...6 { _ = queue.offer(number) }
        #expect(queue.didPause() == false)
        #expect(queue.offer(7) == true)
        for _ in 0..<3 { _ = await queue.next() }
        queue.look()
        queue.look()
        #expect(queue.offer(4) == false)
        guard case .look = await queue.next().0, case .batch(4) = await queue.next().0 else {
            Issue.record("not looked once, before the batch")
            return
        }
        async let last = queue.next()
        queue.stop()
        if case .end = await last.0 { return }
        Issue.record("not ended")
    }
}
