import Tidings

extension StoreConformance {
    static var leaseChecks: [Check] {
        [
            Check("one owner at a time holds a lease") { open in
                let store = try await open()
                let lease = try await store.lease("a")
                try expectEqual(lease?.epoch, 1, "first epoch")
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
