import Foundation
import Processes
import Testing
import Tidings

@testable import Shop

@Suite("The statistics")
struct StatisticsTests {
    private enum Happening {
        case placed(OrderToCount)
        case cancelled(String)
        case shipped(String)
    }

    private func fold(_ happenings: [Happening]) -> Statistics {
        happenings.reduce(into: Statistics()) { statistics, happening in
            switch happening {
            case .placed(let order): statistics.placed(order)
            case .cancelled(let id): statistics.cancelled(id)
            case .shipped(let id): statistics.shipped(id)
            }
        }
    }

    private func order(_ id: String, _ customer: String, _ lines: (String, Int, Int)...) -> OrderToCount {
        OrderToCount(
            orderId: id, customer: .init(name: customer),
            lines: lines.map { .init(name: $0, priceCents: $1, count: $2) })
    }

    @Test("an order counts until it is cancelled, and waits until it is shipped")
    func sums() {
        let two = order("2", "Grace", ("pen", 150, 2), ("ink", 1000, 1))
        var statistics = fold([.placed(order("1", "Ada", ("pen", 150, 1))), .placed(two), .shipped("1")])
        #expect((statistics.orders, statistics.waiting, statistics.revenueCents) == (2, 1, 1450))
        #expect(statistics.items["pen"] == .init(count: 3, cents: 450))
        statistics.cancelled("2")
        #expect((statistics.orders, statistics.cancelled, statistics.waiting) == (2, 1, 0))
        #expect(statistics.revenueCents == 150 && statistics.items["ink"] == nil)
        #expect(statistics.customers == ["Ada": .init(count: 1, cents: 150)])
    }

    @Test("whatever comes first, and whatever comes twice, the outcome is the same", arguments: 0..<50)
    func anyOrder(seed: UInt64) {
        var generator = SeededOrder(state: seed)
        var happenings: [Happening] = []
        for number in 0..<20 {
            let id = "o\(number)"
            happenings.append(.placed(order(id, "c\(number % 3)", ("i\(number % 4)", number, 1 + number % 2))))
            if number % 3 == 0 { happenings.append(.cancelled(id)) }
            if number % 2 == 0 { happenings.append(.shipped(id)) }
        }
        let expected = fold(happenings)
        let mixed = fold(
            (happenings + happenings.filter { _ in Bool.random(using: &generator) }).shuffled(using: &generator))
        #expect(mixed.orders == expected.orders && mixed.waiting == expected.waiting, "seed \(seed)")
        #expect(mixed.cancelled == expected.cancelled && mixed.revenueCents == expected.revenueCents, "seed \(seed)")
        #expect(mixed.items == expected.items && mixed.customers == expected.customers, "seed \(seed)")
    }

    @Test("they are read anew from the log at each start, and on demand while they answer", .timeLimit(.minutes(2)))
    func rebuilt() async throws {
        try await withTestShop { shop in
            let supervisor = try await shop.open()
            for number in 0..<6 { try await shop.place("s\(number)") }
            let full = try await shop.settledStatistics(orders: 6)
            _ = try await HTTP.ask("DELETE", shop.ports.orders, "/orders/s0")
            let standing = try await eventually("the cancellation", passing: isAway) {
                let now = try await shop.settledStatistics(orders: 6)
                return now.revenueCents * 6 == full.revenueCents * 5 ? now : nil
            }
            try await shop.kill("statistics", 1)
            #expect(try await shop.settledStatistics(orders: 6) == standing)
            #expect(try await HTTP.ask("POST", shop.ports.statistics, "/rebuild").status == 200)
            #expect(try await shop.settledStatistics(orders: 6) == standing)
            supervisor.signal(SIGTERM)
            #expect(try await supervisor.waitForExit() == 0)
        }
    }
}

/// SplitMix64: the same order for the same seed.
private struct SeededOrder: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
