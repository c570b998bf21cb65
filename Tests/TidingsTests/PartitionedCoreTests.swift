import KafkaClient
import Testing

@testable import Tidings

@Suite("What an instance holds of a partitioned view")
struct PartitionedCoreTests {
    private typealias Core = PartitionedCore<[Int64]>

    private func at(_ number: Int32) -> TopicPartition { TopicPartition("t", number) }

    private func receive(_ offsets: [Int64], _ number: Int32, in core: inout Core) {
        let batch = PartitionedBatch(
            partition: at(number), first: offsets.first ?? 0, next: (offsets.last ?? 0) + 1, count: offsets.count)
        core.receive(batch) { state, _ in state += offsets }
    }

    private func start(_ core: inout Core, ends: [TopicPartition: Int64]) {
        let known = core.askPositions() ?? [:]
        core.start(ends.mapValues { _ in 0 }.merging(known) { $1 }, ends: ends)
    }

    @Test("it is ready when it has been given partitions and has read each of them to its end")
    func ready() {
        var core = Core(initial: [])
        #expect(!core.isReady)
        core.assign([0, 1])
        start(&core, ends: [at(0): 2, at(1): 0])
        #expect(!core.isReady && core.progress.remaining == 2)
        receive([0, 1], 0, in: &core)
        #expect(core.isReady && core.active == [0, 1])
        #expect(core.holds(.includes(RecordPlace(topic: "t", partition: 0, offset: 1))))
        #expect(!core.holds(.includes(RecordPlace(topic: "t", partition: 0, offset: 2))))
        #expect(!core.holds(.includes(RecordPlace(topic: "t", partition: 2, offset: 0))))
    }

    @Test("an instance without partitions is ready as soon as it knows so")
    func nothingToHold() {
        var core = Core(initial: [])
        core.assign([])
        #expect(core.isReady)
    }

    @Test(
        "what it stood by for it goes on with when it becomes its own, and keeps as a standby when it is not any more")
    func promotion() {
        var core = Core(initial: [])
        core.assign([0])
        core.standBy(for: [1])
        start(&core, ends: [at(0): 0, at(1): 2])
        #expect(core.isReady)
        receive([0, 1], 1, in: &core)
        core.assign([1])
        #expect(core.isReady && core.held[1]?.state == [0, 1])
        core.standBy(for: [0])
        #expect(core.active == [1] && core.held[0] != nil)
        core.standBy(for: [])
        #expect(core.held[0] == nil && core.held[1]?.state == [0, 1])
    }

    @Test("a partition that left and came back is folded from the beginning, whatever is still under way for it")
    func comesBack() {
        var core = Core(initial: [])
        core.assign([0])
        start(&core, ends: [at(0): 3])
        receive([0, 1], 0, in: &core)
        let asked = core.askPositions() ?? [:]
        core.assign([])
        core.standBy(for: [])
        core.assign([0])
        // A batch that was on its way, and positions that were asked for before.
        receive([2], 0, in: &core)
        core.start(asked, ends: [at(0): 3])
        receive([2], 0, in: &core)
        #expect(core.held[0]?.state == [] && !core.isReady)
        start(&core, ends: [at(0): 3])
        receive([0, 1, 2], 0, in: &core)
        #expect(core.held[0]?.state == [0, 1, 2] && core.isReady)
    }

    @Test("each partition has one holder, and its standbys are those that follow it in a ring")
    func holders() {
        let holders = ViewHolders([("b", [1, 3]), ("a", [0]), ("c", [2])])
        #expect((0..<5).map { holders.address(of: $0) } == ["a", "b", "c", "b", nil])
        #expect(holders.standbys(of: 2, count: 1) == ["a"])
        #expect(holders.standbys(of: 2, count: 9) == ["a", "b"])
        #expect(holders.standbys(of: 4, count: 1) == [])
        #expect(holders.standing(by: "a", count: 1) == [2])
        #expect(holders.standing(by: "a", count: 2) == [1, 2, 3])
    }

    @Test("a partition is read from its snapshot, which is looked for once; another one may be new meanwhile")
    func restores() {
        var core = Core(initial: [], hasSnapshots: true)
        core.assign([0])
        #expect(core.askPositions() == nil && core.unrestored == [0])
        core.assign([0, 1])
        core.restore(0, .usable(.init(state: [7], positions: [at(0): 8], isOlder: false)))
        core.restore(0, .usable(.init(state: [9], positions: [at(0): 10], isOlder: false)))
        #expect(core.askPositions() == nil && core.unrestored == [1])
        core.restore(1, .nothing)
        #expect(core.askPositions() == [at(0): 8])
        core.start([at(0): 8, at(1): 0], ends: [at(0): 9, at(1): 0])
        receive([8], 0, in: &core)
        #expect(core.held[0]?.state == [7, 8] && core.isReady)
        core.forget([0, 1])
        #expect(core.askPositions() == [:] && core.held[0]?.state == [])
    }

    @Test("a snapshot takes a newer one's place once after the history before it was lost, or it could not be used")
    func replacesNewer() {
        var core = Core(initial: [], hasSnapshots: true)
        core.assign([0, 1])
        core.restore(0, .unusable)
        core.restore(1, .usable(.init(state: [7], positions: [at(1): 8], isOlder: false)))
        start(&core, ends: [at(0): 0, at(1): 8])
        #expect(core.takeForSnapshot(1)?.replacesNewer == false)
        let taken = core.takeForSnapshot(0)
        #expect(taken?.replacesNewer == true && core.takeForSnapshot(0)?.replacesNewer == false)
        if let taken { core.notKept(0, taken) }
        #expect(core.takeForSnapshot(0)?.replacesNewer == true)
        core.forget([1])
        #expect(core.takeForSnapshot(1)?.state == nil)
        start(&core, ends: [at(0): 0, at(1): 3])
        #expect(core.takeForSnapshot(1)?.replacesNewer == true)
    }
}
