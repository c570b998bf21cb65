import Tidings

extension StoreConformance {
    static var leaseChecks: [Check] {
        [
            Check("one owner at a time holds a lease") { open in
                let store = try await open()
                let lease = try await store.lease("a")
                try expectEqual(lease?.owner, "a", "owner")
                try expectEqual(try await store.lease("b"), nil, "the other gets nothing")
                try expectEqual(try await store.current(), lease, "current")
            },
            Check("a lease that was given back can be taken at once, with a higher epoch") { open in
                let store = try await open()
                guard let lease = try await store.lease("a") else { throw ConformanceFailure(description: "refused") }
                try await store.transaction { try store.release(lease, in: $0) }
                let next = try await store.lease("b")
                try expect((next?.epoch ?? 0) > lease.epoch, "epoch \(next?.epoch ?? 0) is not above \(lease.epoch)")
            },
            Check("an expired lease can be taken, and its former owner can neither renew nor release it") { open in
                let store = try await open()
                guard let lease = try await store.lease("a", for: .milliseconds(1)) else {
                    throw ConformanceFailure(description: "refused")
                }
                var taken: Lease?
                while taken == nil { taken = try await store.lease("b") }
                try expectEqual(try await store.lease("a", epoch: lease.epoch), nil, "renewal")
                try await store.transaction { try store.release(lease, in: $0) }
                try expectEqual(try await store.lease("c"), nil, "the release of a former owner has no effect")
            },
            Check("a renewal keeps the epoch") { open in
                let store = try await open()
                let lease = try await store.lease("a")
                try expectEqual(try await store.lease("a", epoch: lease?.epoch), lease, "renewed")
            },
            Check("an owner that comes back takes its lease at once and fences its former self") { open in
                let store = try await open()
                let former = try await store.lease("a")
                let present = try await store.lease("a")
                try expect((present?.epoch ?? 0) > (former?.epoch ?? 0), "the epoch did not rise")
                try expectEqual(try await store.lease("a", epoch: former?.epoch), nil, "renewal by the former self")
                try expectEqual(try await store.lease("a", epoch: present?.epoch), present, "renewal")
            },
            Check("leases are listed by their names' beginning, with the time they have left") { open in
                let store = try await open()
                for (name, owner) in [("x/a", "a"), ("x/b", "b"), ("y", "c"), ("x%", "d")] {
                    let request = LeaseRequest(name: name, owner: owner, duration: .seconds(60))
                    let lease = try await store.transaction { try store.lease(request, in: $0) }
                    if name == "x/b", let lease { try await store.transaction { try store.release(lease, in: $0) } }
                }
                let leases = try await store.transaction { try store.leases(withPrefix: "x/", in: $0) }
                    .sorted { $0.lease.owner < $1.lease.owner }
                try expectEqual(leases.map(\.lease.owner), ["a", "b"], "owners")
                try expect(leases[0].remaining > .seconds(30), "a has \(leases[0].remaining) left")
                try expect(leases[1].remaining <= .zero, "b has \(leases[1].remaining) left")
            },
            Check("a shard has one owner, and its epoch rises whenever it is given") { open in
                let (first, second) = (try await open(), try await open())
                let shards = try await first.transaction { try first.outboxShards(in: $0) }
                try expectEqual(shards.map(\.number), (0..<Int32(shards.count)).map { $0 }, "numbers")
                try expect(!shards.isEmpty && shards.allSatisfy { $0.owner == nil }, "\(shards) have owners")
                let given = try await first.transaction { transaction in
                    _ = try first.outboxShards(in: transaction)
                    return try first.assign([0], to: "a", in: transaction)
                }
                try expectEqual(given.map(\.owner), ["a"], "owner")
                try expect(given[0].epoch > shards[0].epoch, "the epoch did not rise")
                try expectEqual(try await second.transaction { try second.outboxShards(in: $0)[0] }, given[0], "seen")
                let free = try await second.transaction { try second.assign([0], to: nil, in: $0) }
                try expect(free[0].owner == nil && free[0].epoch > given[0].epoch, "\(free) is not free")
            },
            Check("of many that take a free shard at the same time one gets it") { open in
                let (first, second) = (try await open(), try await open())
                let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for racer in 0..<6 {
                        let store = racer % 2 == 0 ? first : second
                        group.addTask {
                            try await store.transaction { transaction in
                                guard try store.outboxShards(in: transaction)[0].owner == nil else { return false }
                                try store.assign([0], to: "\(racer)", in: transaction)
                                return true
                            }
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try expectEqual(winners, 1, "winners")
            },
        ]
    }
}

extension Store {
    fileprivate func lease(
        _ owner: String, for duration: Duration = .seconds(60), epoch: Int64? = nil
    ) async throws -> Lease? {
        let store = self
        let request = LeaseRequest(name: "outbox", owner: owner, duration: duration, epoch: epoch)
        return try await transaction { try store.lease(request, in: $0) }
    }

    fileprivate func current() async throws -> Lease? {
        let store = self
        return try await transaction { try store.currentLease(named: "outbox", in: $0) }
    }
}
