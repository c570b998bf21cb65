import KafkaProtocol
import Testing

@testable import KafkaBroker

@Suite("A consumer group")
struct GroupTests {
    @Test("a newcomer is first given an id, and joins with it")
    func givesIDFirst() throws {
        var group = GroupDriver()
        let first = group.join("", requiresKnownMember: true)
        #expect(first.error == .memberIDRequired)
        #expect(!first.memberID.isEmpty)
        #expect(group.state == .empty)

        let second = group.join(first.memberID)
        #expect(second.error == .none)
        #expect(second.memberID == first.memberID)
        #expect(second.leader == first.memberID)
        #expect(second.generation == 1)
        #expect(second.members.map(\.id) == [first.memberID])
    }

    @Test("an id that was handed out and never used expires with the session")
    func forgetsUnusedIDs() {
        var group = GroupDriver()
        let first = group.join("", requiresKnownMember: true)
        group.pass(10_001)
        #expect(group.join(first.memberID).error == .unknownMemberID)
    }

    @Test("the first member does not wait for others, and a second starts the next generation")
    func rebalancesWhenAnotherJoins() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        #expect(group.state == .stable)

        let ticket = group.send(joinOf: "", client: "b")
        #expect(group.state == .preparingRebalance)
        #expect(group.heartbeat(a.memberID, 1) == .rebalanceInProgress)
        let again = group.join(a.memberID)
        #expect(again.generation == 2)
        #expect(group.joined[ticket]?.generation == 2)
        #expect(again.members.count == 2)
        #expect(group.joined[ticket]?.members.isEmpty == true)
    }

    @Test("shares are given out only when the assignment is on disk")
    func waitsForDisk() {
        var group = GroupDriver(persistsAtOnce: false)
        let a = group.join("", client: "a")
        let ticket = group.send(syncOf: a.memberID, generation: 1, assignments: [a.memberID: [7]])
        #expect(group.synced[ticket] == nil)
        #expect(group.state == .completingRebalance)
        group.persistAll()
        #expect(group.synced[ticket]?.assignment == [7])
        #expect(group.state == .stable)
    }

    @Test("a failed write of the assignment starts a rebalance and tells the members why")
    func reportsFailedWrite() {
        var group = GroupDriver(persistsAtOnce: false)
        let a = group.join("", client: "a")
        let ticket = group.send(syncOf: a.memberID, generation: 1, assignments: [a.memberID: [7]])
        group.persistAll(error: .coordinatorNotAvailable)
        #expect(group.synced[ticket]?.error == .coordinatorNotAvailable)
        #expect(group.join(a.memberID).generation == 2)
    }

    @Test("a member that falls silent is dropped after its session, and the others share")
    func dropsSilentMembers() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        _ = group.send(joinOf: "", client: "b")
        let again = group.join(a.memberID)
        group.sync(a.memberID, generation: 2, assignments: [a.memberID: [1]])
        #expect(again.members.count == 2)

        group.pass(9_000)
        #expect(group.heartbeat(a.memberID, 2) == .none)
        group.pass(2_000)
        #expect(group.heartbeat(a.memberID, 2) == .rebalanceInProgress)
        #expect(group.join(a.memberID).members.map(\.id) == [a.memberID])
    }

    @Test("members that do not rejoin in time are left behind")
    func leavesLatecomersBehind() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        let ticket = group.send(joinOf: "", client: "b")
        for _ in 0..<6 {
            group.pass(5_000)
            _ = group.heartbeat(a.memberID, 1)
        }
        #expect(group.joined[ticket]?.generation == 2)
        #expect(group.joined[ticket]?.members.count == 1)
        #expect(group.heartbeat(a.memberID, 1) == .unknownMemberID)
    }

    @Test("a member that never asks for its share is dropped after the rebalance timeout")
    func dropsThoseWhoNeverSync() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        let ticket = group.send(joinOf: "", client: "b")
        _ = group.join(a.memberID)
        let b = group.joined[ticket]
        let waiting = group.send(syncOf: b?.memberID ?? "", generation: 2)
        for _ in 0..<6 {
            group.pass(5_000)
            _ = group.heartbeat(a.memberID, 2)
        }
        #expect(group.synced[waiting]?.error == .rebalanceInProgress)
        #expect(group.join(b?.memberID ?? "").members.count == 1)
    }

    @Test(
        "a member that never asks for its share is dropped after the rebalance timeout, though the others have theirs")
    func dropsThoseWhoNeverSyncWhenStable() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        let ticket = group.send(joinOf: "", client: "b")
        _ = group.join(a.memberID)
        let b = group.joined[ticket]?.memberID ?? ""
        group.sync(a.memberID, generation: 2, assignments: [a.memberID: [1], b: [2]])
        for _ in 0..<6 {
            #expect(group.state == .stable)
            group.pass(5_000)
            _ = group.heartbeat(a.memberID, 2)
            _ = group.heartbeat(b, 2)
        }
        #expect(group.state == .preparingRebalance)
        #expect(group.heartbeat(b, 2) == .unknownMemberID)
        #expect(group.join(a.memberID).members.map(\.id) == [a.memberID])
    }

    @Test("nobody is dropped when all have asked for their shares, nor while these are on their way to the disk")
    func dropsNobodyWhoSynced() {
        var group = GroupDriver(persistsAtOnce: false)
        let a = group.join("", client: "a")
        let ticket = group.send(syncOf: a.memberID, generation: 1, assignments: [a.memberID: [7]])
        group.pass(40_000)
        #expect(group.synced[ticket] == nil && group.state == .completingRebalance)
        group.persistAll()
        group.pass(1)
        #expect(group.synced[ticket]?.assignment == [7] && group.state == .stable)
        #expect(group.heartbeat(a.memberID, 1) == .none)
    }

    @Test("a member that leaves makes room at once")
    func leaves() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        #expect(group.leave(a.memberID) == .none)
        #expect(group.state == .empty)
        #expect(group.leave(a.memberID) == .unknownMemberID)
    }

    @Test("an unchanged follower that joins again keeps its generation, a leader starts a new one")
    func rejoinsInStable() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        let ticket = group.send(joinOf: "", client: "b")
        _ = group.join(a.memberID)
        let b = group.joined[ticket]?.memberID ?? ""
        group.sync(a.memberID, generation: 2, assignments: [a.memberID: [1], b: [2]])
        group.sync(b, generation: 2)

        #expect(group.join(b, client: "b").generation == 2)
        #expect(group.state == .stable)
        _ = group.send(joinOf: a.memberID, client: "a")
        #expect(group.state == .preparingRebalance)
    }

    @Test("the wrong generation, member or protocol is refused")
    func refusesStrangers() {
        var group = GroupDriver()
        let a = group.joinStable("a")
        #expect(group.heartbeat(a.memberID, 9) == .illegalGeneration)
        #expect(group.heartbeat("nobody", 1) == .unknownMemberID)
        #expect(group.join("nobody").error == .unknownMemberID)
        #expect(group.join("", protocols: ["sticky"]).error == .inconsistentGroupProtocol)
        #expect(group.join("", protocolType: "connect").error == .inconsistentGroupProtocol)
        #expect(group.join("", protocols: []).error == .inconsistentGroupProtocol)
        #expect(group.join("", sessionTimeout: 10).error == .invalidSessionTimeout)
    }

    @Test("all members must know the protocol that is chosen, and most must like it")
    func choosesProtocol() {
        var group = GroupDriver()
        _ = group.join("", client: "a", protocols: ["x", "y"])
        let b = group.send(joinOf: "", client: "b", protocols: ["y", "x"])
        let c = group.send(joinOf: "", client: "c", protocols: ["y", "z"])
        let d = group.join("test-1", client: "a", protocols: ["x", "y"])
        #expect(d.protocolName == "y")
        #expect(group.joined[b]?.protocolName == "y")
        #expect(group.joined[c]?.protocolName == "y")
    }

    @Test("commits are for members of the running generation, or for outsiders of an empty group")
    func validatesCommits() {
        var group = GroupDriver()
        #expect(group.commit("", -1) == .none)
        // Whatever an outsider calls itself.
        #expect(group.commit("whoever", -1, instance: "i") == .none)
        let a = group.joinStable("a")
        #expect(group.commit(a.memberID, 1) == .none)
        #expect(group.commit(a.memberID, 2) == .illegalGeneration)
        #expect(group.commit("nobody", 1) == .unknownMemberID)
        #expect(group.commit("", -1) == .unknownMemberID)
        _ = group.send(joinOf: "", client: "b")
        #expect(group.commit(a.memberID, 1) == .none)
        _ = group.join(a.memberID)
        #expect(group.commit(a.memberID, 2) == .rebalanceInProgress)
    }

    @Test("a configured initial delay gathers members into the first generation")
    func waitsAtFirst() {
        var limits = GroupLimits()
        limits.initialRebalanceDelay = 3_000
        var group = GroupDriver(limits: limits)
        let a = group.send(joinOf: "", client: "a")
        group.pass(2_000)
        let b = group.send(joinOf: "", client: "b")
        group.pass(1_500)
        #expect(group.joined[a] == nil)
        group.pass(3_000)
        #expect(group.joined[a]?.generation == 1)
        #expect(group.joined[b]?.generation == 1)
        #expect(group.joined[a]?.members.count == 2)
    }

    @Test("nothing is due in a group without members")
    func isQuietWhenEmpty() {
        var group = GroupDriver()
        #expect(group.group.nextDeadline == nil)
        let a = group.joinStable("a")
        #expect(group.group.nextDeadline == group.now + 10_000)
        _ = group.leave(a.memberID)
        #expect(group.group.nextDeadline == nil)
    }

    @Test("what was stored goes on where it was: same generation, same shares, no rebalance")
    func restores() {
        var group = GroupDriver()
        let a = group.joinStable("a", assignment: [1, 2, 3])
        let stored = group.stored.last
        var restored = GroupDriver()
        if let stored { restored.group.restore(stored, now: restored.now) }
        #expect(restored.state == .stable)
        #expect(restored.heartbeat(a.memberID, 1) == .none)
        #expect(restored.sync(a.memberID, generation: 1).assignment == [1, 2, 3])
        restored.pass(10_001)
        #expect(restored.heartbeat(a.memberID, 1) == .unknownMemberID)
    }

    @Test("refuses every session, and nothing worse, when its limits leave room for none")
    func refusesCrossedLimits() {
        var limits = GroupLimits()
        limits.maxSessionTimeout = limits.minSessionTimeout - 1
        var group = GroupDriver(limits: limits)
        #expect(group.join("", client: "a").error == .invalidSessionTimeout)
    }
}
