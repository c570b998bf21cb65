import Testing

@testable import Tidings

@Suite struct ShardPlanTests {
    private func relay(_ owner: String, remaining: Duration = .seconds(5)) -> LeaseState {
        LeaseState(lease: Lease(name: "outbox/relay/\(owner)", owner: owner, epoch: 1), remaining: remaining)
    }

    private func shards(_ owners: [String?]) -> [OutboxShard] {
        owners.enumerated().map { OutboxShard(number: Int32($0.offset), owner: $0.element, epoch: 1) }
    }

    @Test("a lonely relay takes everything")
    func alone() {
        let plan = ShardPlan(of: "a", holding: [:], shards: shards([nil, nil, nil]), relays: [relay("a")])
        #expect(plan.taking == [0, 1, 2] && plan.givingUp.isEmpty && plan.fencing.isEmpty)
    }

    @Test("a relay that has more than its share gives up the rest, and takes nothing from the living")
    func shares() {
        let relays = [relay("a"), relay("b"), relay("c")]
        let all = shards(["a", "a", "a", "a"])
        let held = [Int32: Int64](uniqueKeysWithValues: (0..<4).map { ($0, 1) })
        #expect(ShardPlan(of: "a", holding: held, shards: all, relays: relays).givingUp == [2, 3])
        #expect(
            ShardPlan(of: "b", holding: [:], shards: all, relays: relays)
                == ShardPlan(of: "c", holding: [:], shards: all, relays: relays))
        let free = shards(["a", "a", nil, nil])
        #expect(ShardPlan(of: "b", holding: [:], shards: free, relays: relays).taking == [2])
    }

    @Test("a dead relay is fenced before its shards are taken")
    func dead() {
        let plan = ShardPlan(
            of: "b", holding: [:], shards: shards(["a", "a"]), relays: [relay("a", remaining: .zero), relay("b")])
        #expect(plan.fencing.map(\.owner) == ["a"])
        #expect(plan.taking == [0, 1])
    }

    @Test("a relay that comes back under its name takes its former self's shards anew")
    func namesake() {
        let plan = ShardPlan(of: "a", holding: [:], shards: shards(["a", "b"]), relays: [relay("a"), relay("b")])
        #expect(plan.taking == [0] && plan.fencing.isEmpty && plan.givingUp.isEmpty)
    }

    @Test("all living relays together come to all shards once", arguments: 1...9)
    func complete(count: Int) {
        for shardCount in [1, 4, 7] {
            let names = (0..<count).map { "r\($0)" }
            var owners = [String?](repeating: nil, count: shardCount)
            for name in names {
                let plan = ShardPlan(of: name, holding: [:], shards: shards(owners), relays: names.map { relay($0) })
                for shard in plan.taking {
                    #expect(owners[Int(shard)] == nil)
                    owners[Int(shard)] = name
                }
            }
            #expect(owners.allSatisfy { $0 != nil })
            let loads = names.map { name in owners.count { $0 == name } }
            #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1)
        }
    }
}
