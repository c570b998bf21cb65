import Testing

@testable import TidingsPostgres

@Suite struct OutboxFloorTests {
    @Test("the floor rises as rows go, but never above one that may still come", arguments: 0..<200)
    func model(seed: UInt64) {
        var state = seed &+ 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var floor = OutboxFloor()
        var (nextID, nextNumber): (Int64, Int64) = (100, 1)
        var open: [Int64: [Int64]] = [:]
        var visible: Set<Int64> = []
        func look(removing: Bool) {
            let (oldestID, next) = (open.keys.min() ?? nextID, nextID)
            let seen = visible.filter { $0 >= floor.value }.sorted().prefix(5)
            floor.looked(lowest: seen.first, highest: seen.last, oldestID: oldestID, nextID: next)
            if removing { visible.subtract(seen) }
        }
        for _ in 0..<500 {
            switch random(10) {
            case 0...2:
                open[nextID] = []
                nextID += 1
            case 3...4:
                guard let id = open.keys.sorted().dropFirst(random(max(1, open.count))).first else { continue }
                open[id]?.append(nextNumber)
                nextNumber += 1
            case 5...6:
                // A long transaction now and then: the youngest end first.
                guard let id = random(3) == 0 ? open.keys.min() : open.keys.max() else { continue }
                let numbers = open.removeValue(forKey: id) ?? []
                if random(4) > 0 { visible.formUnion(numbers) }
            default: look(removing: random(3) > 0)
            }
            let lowest = (Array(visible) + open.values.flatMap { $0 }).min() ?? .max
            #expect(floor.value <= lowest)
        }
        for numbers in open.values { visible.formUnion(numbers) }
        open = [:]
        for _ in 0..<500 {
            nextID += 1
            look(removing: true)
        }
        #expect(visible.isEmpty && floor.value == nextNumber)
    }
}
