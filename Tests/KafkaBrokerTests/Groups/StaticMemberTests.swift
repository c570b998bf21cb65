import KafkaProtocol
import Testing

@testable import KafkaBroker

@Suite("A static member")
struct StaticMemberTests {
    /// Two static members, a leading, in a stable generation 2.
    private func pair() -> (GroupDriver, a: String, b: String) {
        var group = GroupDriver()
        let first = group.join("", client: "a", instance: "A")
        let ticket = group.send(joinOf: "", client: "b", instance: "B")
        _ = group.join(first.memberID, client: "a", instance: "A")
        let b = group.joined[ticket]?.memberID ?? ""
        group.sync(first.memberID, instance: "A", generation: 2, assignments: [first.memberID: [1], b: [2]])
        group.sync(b, instance: "B", generation: 2)
        return (group, first.memberID, b)
    }

    @Test("that comes back after a restart gets its share again, and the others notice nothing")
    func returns() {
        var (group, a, b) = pair()
        let returned = group.join("", client: "b", instance: "B")
        #expect(returned.error == .none)
        #expect(returned.generation == 2)
        #expect(returned.memberID != b)
        #expect(group.state == .stable)
        #expect(group.heartbeat(a, 2, instance: "A") == .none)
        #expect(group.sync(returned.memberID, instance: "B", generation: 2).assignment == [2])
    }

    @Test("fences whoever still uses its old id")
    func fences() {
        var (group, _, b) = pair()
        _ = group.join("", client: "b", instance: "B")
        #expect(group.heartbeat(b, 2, instance: "B") == .fencedInstanceID)
        #expect(group.sync(b, instance: "B", generation: 2).error == .fencedInstanceID)
        #expect(group.join(b, client: "b", instance: "B").error == .fencedInstanceID)
        #expect(group.commit(b, 2, instance: "B") == .fencedInstanceID)
    }

    @Test("that led and comes back is kept from assigning again: newer clients are told, older see another leader")
    func returnsAsLeader() {
        var (group, a, _) = pair()
        let older = group.join("", client: "a", instance: "A")
        #expect(older.leader == a)
        #expect(older.memberID != a)
        #expect(older.members.isEmpty)
        #expect(!older.skipsAssignment)
        let newer = group.join("", client: "a", instance: "A", canSkipAssignment: true)
        #expect(newer.leader == newer.memberID)
        #expect(newer.skipsAssignment)
        #expect(newer.members.count == 2)
        #expect(group.state == .stable)
        #expect(group.sync(newer.memberID, instance: "A", generation: 2).assignment == [1])
    }

    @Test("that comes back without what it owned, and with the same topics, is no reason for a rebalance")
    func comesBackEmptyHanded() {
        func subscription(_ topic: String, owning: [UInt8]) -> [UInt8] {
            [0, 1, 0, 0, 0, 1, 0, UInt8(topic.utf8.count)] + topic.utf8 + [0, 0, 0, 0] + owning
        }
        var group = GroupDriver()
        let first = group.send(joinOf: "", instance: "i", metadata: subscription("t", owning: [1, 2, 3]))
        let member = group.joined[first]?.memberID ?? ""
        group.sync(member, instance: "i", generation: 1, assignments: [member: [7]])
        let again = group.send(joinOf: "", instance: "i", metadata: subscription("t", owning: [0]))
        #expect(group.joined[again]?.error == ErrorCode.none && group.state == .stable)
        #expect(group.joined[again]?.generation == 1)
        _ = group.send(joinOf: "", instance: "i", metadata: subscription("u", owning: [0]))
        #expect(group.state == .completingRebalance)
    }

    @Test("that comes back with other topics starts a rebalance")
    func returnsChanged() {
        var (group, _, _) = pair()
        _ = group.send(joinOf: "", client: "b", instance: "B", metadata: [9])
        #expect(group.state == .preparingRebalance)
    }

    @Test("stays a member while it is away, until its session ends")
    func staysWhileAway() {
        var (group, a, b) = pair()
        let ticket = group.send(joinOf: "", client: "c")
        _ = group.send(joinOf: a, client: "a", instance: "A")
        group.pass(9_000)
        #expect(group.joined[ticket] == nil)
        group.pass(2_000)
        #expect(group.joined[ticket]?.generation == 3)
        #expect(group.group.members[b] == nil)
    }

    @Test("can be removed by its name alone")
    func isRemovedByName() {
        var (group, _, _) = pair()
        #expect(group.leave("", instance: "B") == .none)
        #expect(group.leave("", instance: "B") == .unknownMemberID)
        #expect(group.state == .preparingRebalance)
    }

    @Test("survives a restart of the broker with its name")
    func survivesBroker() throws {
        let (group, _, b) = pair()
        var restored = GroupDriver()
        restored.group.restore(try #require(group.stored.last), now: 0)
        let returned = restored.join("", client: "b", instance: "B")
        #expect(returned.error == .none)
        #expect(returned.generation == 2)
        #expect(restored.heartbeat(b, 2, instance: "B") == .fencedInstanceID)
    }

    @Test("learns its new id only when that is on disk; until then the old one holds")
    func waitsForTheDisk() throws {
        var (group, _, b) = pair()
        group.persistsAtOnce = false
        let ticket = group.send(joinOf: "", client: "b", instance: "B")
        #expect(group.joined[ticket] == nil)
        #expect(group.heartbeat(b, 2, instance: "B") == .none)
        #expect(group.unwritten.last?.members.contains { $0.id == b } == false)
        group.persistAll()
        let returned = try #require(group.joined[ticket])
        #expect(returned.error == .none)
        #expect(returned.generation == 2)
        #expect(group.stored.last?.members.contains { $0.id == returned.memberID } == true)
        #expect(group.heartbeat(b, 2, instance: "B") == .fencedInstanceID)
    }

    @Test("is told when the disk does not take its new id, and the old one goes on")
    func isToldOfAFailedWrite() {
        var (group, a, b) = pair()
        group.persistsAtOnce = false
        let ticket = group.send(joinOf: "", client: "b", instance: "B")
        group.persistAll(error: .coordinatorNotAvailable)
        #expect(group.joined[ticket]?.error == .coordinatorNotAvailable)
        #expect(group.state == .stable)
        #expect(group.heartbeat(b, 2, instance: "B") == .none)
        #expect(group.heartbeat(a, 2, instance: "A") == .none)
        #expect(group.commit(b, 2, instance: "B") == .none)
    }

    @Test("that comes back while another does: each id is on disk before it is told")
    func returnsBesideAnother() {
        var (group, _, _) = pair()
        group.persistsAtOnce = false
        let first = group.send(joinOf: "", client: "a", instance: "A")
        let second = group.send(joinOf: "", client: "b", instance: "B")
        group.persistAll()
        #expect(group.joined[first]?.error == ErrorCode.none)
        #expect(group.joined[second]?.error == ErrorCode.none)
        #expect(Set(group.stored.last?.members.map(\.id) ?? []) == Set(group.group.members.keys))
        #expect(group.state == .stable)
    }

    @Test("that comes back twice is one: the earlier process is fenced")
    func returnsTwice() {
        var (group, _, _) = pair()
        group.persistsAtOnce = false
        let first = group.send(joinOf: "", client: "b", instance: "B")
        let second = group.send(joinOf: "", client: "b", instance: "B")
        group.persistAll()
        #expect(group.joined[first]?.error == .fencedInstanceID)
        #expect(group.joined[second]?.error == ErrorCode.none)
    }

    @Test("joins the rebalance that begins before its new id is on disk")
    func meetsARebalance() {
        var (group, a, _) = pair()
        group.persistsAtOnce = false
        let ticket = group.send(joinOf: "", client: "b", instance: "B")
        _ = group.send(joinOf: "", client: "c")
        group.persistAll()
        #expect(group.joined[ticket] == nil)
        _ = group.send(joinOf: a, client: "a", instance: "A")
        #expect(group.joined[ticket]?.generation == 3)
    }

    @Test("that comes back with other topics fences an earlier process whose id is still on its way to the disk")
    func supersedesAReturn() {
        var (group, a, _) = pair()
        group.persistsAtOnce = false
        let first = group.send(joinOf: "", client: "b", instance: "B")
        let second = group.send(joinOf: "", client: "b", instance: "B", metadata: [9])
        group.persistAll()
        #expect(group.joined[first]?.error == .fencedInstanceID)
        _ = group.send(joinOf: a, client: "a", instance: "A")
        #expect(group.joined[second]?.generation == 3)
    }
}
