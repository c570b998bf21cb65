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
}
