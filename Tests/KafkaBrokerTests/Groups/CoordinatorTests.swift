import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization
import Testing

@testable import KafkaBroker

@Suite("The groups' coordinator", .timeLimit(.minutes(1)))
struct CoordinatorTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    @Test("lets no write overtake the first one, which has to wait until the log is made")
    func keepsOrderFromTheFirst() async throws {
        let made = Latch(), goOn = Latch()
        let world = try CoordinatorWorld { message in
            guard message == "created topic" else { return }
            made.open()
            goOn.wait()
        }
        // The log is in service and whoever had it made has not been told.
        let records = { (offset: Int64) in
            [
                GroupRecord.offset(
                    group: "g", TopicPartition(topic: "t", partition: 0),
                    CommittedOffset(offset: offset, commitTimestamp: 0))
            ]
        }
        let first = world.groupLog.append(records(1), on: world.loop)
        made.wait()
        let later = world.groupLog.append(records(2), on: world.loop)
        goOn.open()
        #expect(try await first.get() == .none)
        #expect(try await later.get() == .none)
        #expect(try world.groupLog.load().offsets["g"]?[partition]?.offset == 2)
    }

    @Test("gives a commit that was on its way when its topic was deleted and made again to nobody")
    func dropsCommitsOfTheDead() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().gone == [])
        let reached = Latch(), goOn = Latch()
        world.files.onSyncs { path, moment in
            guard path.contains("__consumer_offsets"), moment == .before else { return }
            reached.open()
            goOn.wait()
        }
        let commit = world.commit(5, for: topic)
        reached.wait()
        _ = try await world.delete("t")
        let forgotten = world.coordinator.forget(topic: "t", id: topic.id)
        let successor = try await world.create("t")
        goOn.open()
        #expect(try await commit.get().gone == [partition])
        try await forgotten.get()
        #expect(try await world.coordinator.offsets(of: "g").get()[partition] == nil)
        #expect(try await world.commit(9, for: topic).get().gone == [partition])
        #expect(try await world.commit(2, for: successor).get().gone == [])
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 2)
    }

    @Test("forgets a deleted topic's offsets without erasing on disk what its successor has by now")
    func forgetsLate() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(7, for: topic).get().gone == [])
        _ = try await world.delete("t")
        let successor = try await world.create("t")
        let commit = world.commit(2, for: successor)
        let forgotten = world.coordinator.forget(topic: "t", id: topic.id)
        #expect(try await commit.get().gone == [])
        try await forgotten.get()
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 2)
        #expect(try world.groupLog.load().offsets["g"]?[partition]?.offset == 2)
    }

    @Test("keeps on disk the offsets of topics that are not there at a start, for when they come again")
    func keepsWhatIsUnknown() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(7, for: topic).get().gone == [])
        _ = try await world.delete("t")
        let stored = try world.groupLog.load()
        try await world.coordinator.restore(stored).get()
        #expect(try world.groupLog.load().offsets["g"]?[partition]?.offset == 7)
    }

    @Test("tells in the log when it cannot take offsets of a deleted topic back on disk")
    func reportsFailedTombstones() async throws {
        let lines = Recorder.Lines()
        let world = try CoordinatorWorld { message in lines.all.withLock { $0.append(message) } }
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().error == .none)
        _ = try await world.delete("t")
        world.files.failSyncs(.all)
        try await world.coordinator.forget(topic: "t", id: topic.id).get()
        #expect(lines.all.withLock { $0 }.contains { $0.hasPrefix("offsets of a deleted topic stay") })
    }

    @Test("forgets offsets after their time, and the group with the last one, here and on disk")
    func forgetsWhatIsOld() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().error == .none)
        world.clock.pass(604_799_999)
        try await world.coordinator.expireOffsets().get()
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 1)
        world.clock.pass(1)
        try await world.coordinator.expireOffsets().get()
        #expect(try await world.coordinator.allGroups().get().isEmpty)
        let stored = try world.groupLog.load()
        #expect(stored.offsets["g"]?.isEmpty != false && stored.groups["g"] == nil)
    }

    @Test("keeps a commit that is on its way while the one before it grows too old")
    func keepsCommitsOnTheirWay() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().error == .none)
        world.clock.pass(604_800_000)
        let (commit, goOn) = holdBack(world) { world.commit(5, for: topic) }
        try await world.coordinator.expireOffsets().get()
        goOn.open()
        #expect(try await commit.get().error == .none)
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 5)
        #expect(try world.groupLog.load().offsets["g"]?[partition]?.offset == 5)
    }

    @Test("removes a group behind the commits that are on their way, and nothing of what comes later")
    func deletesBehindCommits() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().error == .none)
        let (commit, goOn) = holdBack(world) { world.commit(5, for: topic) }
        let deletion = world.coordinator.delete(group: "g")
        goOn.open()
        #expect(try await commit.get().error == .none)
        #expect(try await deletion.get() == .none)
        #expect(try await world.coordinator.offsets(of: "g").get()[partition] == nil)
        #expect(try world.groupLog.load().offsets["g"]?[partition] == nil)
        let again = world.coordinator.delete(group: "g")
        let later = world.commit(6, for: topic)
        #expect(try await again.get() == .groupIDNotFound)
        #expect(try await later.get().error == .none)
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 6)
        #expect(try world.groupLog.load().offsets["g"]?[partition]?.offset == 6)
    }

    @Test("leaves a group as it is when its removal cannot be written")
    func keepsWhatCannotBeRemoved() async throws {
        let world = try CoordinatorWorld()
        let topic = try await world.create("t")
        #expect(try await world.commit(1, for: topic).get().error == .none)
        world.files.failSyncs(.all)
        #expect(try await world.coordinator.delete(group: "g").get() == .coordinatorNotAvailable)
        #expect(try await world.coordinator.offsets(of: "g").get()[partition]?.offset == 1)
    }

    /// Starts something whose write to the groups' log does not reach the disk until the latch is opened.
    private func holdBack<Value>(
        _ world: CoordinatorWorld, _ start: () -> EventLoopFuture<Value>
    ) -> (EventLoopFuture<Value>, Latch) {
        let reached = Latch(), goOn = Latch()
        world.files.onSyncs { path, moment in
            guard path.contains("__consumer_offsets"), moment == .before else { return }
            reached.open()
            goOn.wait()
        }
        let started = start()
        reached.wait()
        return (started, goOn)
    }

    @Test("producer ids: who comes while a block is being reserved waits on no thread")
    func reservesAside() async throws {
        let world = try CoordinatorWorld()
        let ids = ProducerIDs(metadata: world.metadata, threads: world.threads)
        let reached = Latch(), goOn = Latch()
        world.files.onSyncs { _, moment in
            guard moment == .before else { return }
            reached.open()
            goOn.wait()
        }
        let first = ids.next(on: world.loop)
        reached.wait()
        let second = ids.next(on: world.loop)
        goOn.open()
        #expect(try await Set([first.get(), second.get()]) == [0, 1])
        for number: Int64 in 2..<2500 { #expect(try await ids.next(on: world.loop).get() == number) }
    }
}
