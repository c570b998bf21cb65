import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The three ways of sending", .serialized, .timeLimit(.minutes(3)))
struct SendingTests {
    /// Where an order is after the order service was killed at a step, and has come back.
    struct Case: Sendable, CustomTestStringConvertible {
        let sending: String
        let step: String
        let isWritten: Bool
        let isKnownToOthers: Bool

        var testDescription: String { "\(sending), killed at \(step)" }

        static let all = [
            Case(sending: "after", step: "publish.send.starts", isWritten: true, isKnownToOthers: false),
            Case(sending: "before", step: "publish.transaction.starts", isWritten: false, isKnownToOthers: true),
            Case(sending: "outbox", step: "publish.action.done", isWritten: false, isKnownToOthers: false),
            Case(sending: "outbox", step: "publish.action.committed", isWritten: true, isKnownToOthers: true),
            Case(sending: "outbox", step: "relay.acknowledged", isWritten: true, isKnownToOthers: true),
        ]
    }

    @Test(
        "a kill between database and sending loses the event, makes a ghost, or does neither",
        arguments: Case.all, TestDatabase.allCases)
    func killed(test: Case, database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            var others: [ChildProcess] = []
            for role in TestShop.brokers.map(\.0) + ["invoicing", "invoicing-page"] {
                others.append(try shop.start(role))
                _ = try await others.last?.waitForLine(startingWith: "shop \(role)")
            }
            let dying = try await order(shop, ["--die-at", test.step, "--sending", test.sending])
            _ = try? await HTTP.ask("POST", shop.ports.orders, "/orders", json: TestShop.wish("victim"))
            #expect(try await dying.waitForExit() == -SIGKILL)

            let risen = try await order(shop)
            try await shop.choose("outbox")
            // The order placed last is the last in its partition at most; one in each shows that all was handled.
            for number in 0..<40 { try await shop.place("later-\(number)") }
            try await eventually("invoices of the later orders", passing: isAway) {
                try await invoices(shop).filter { $0.hasPrefix("later") }.count == 40
            }
            let written = try await HTTP.ask("GET", shop.ports.orders, "/orders/victim").status == 200
            #expect(written == test.isWritten)
            #expect(try await invoices(shop).filter { $0 == "victim" }.count == (test.isKnownToOthers ? 1 : 0))
            for process in [risen] + others.reversed() {
                process.signal(SIGTERM)
                try await process.waitForExit()
            }
        }
    }

    private func order(_ shop: TestShop, _ arguments: [String] = []) async throws -> ChildProcess {
        let process = try shop.start("order", arguments)
        _ = try await process.waitForLine(startingWith: "shop order ready")
        return process
    }

    private func invoices(_ shop: TestShop) async throws -> [String] {
        struct Reference: Decodable {
            let orderId: String
        }
        return try await HTTP.ask("GET", shop.ports.invoices, "/invoices").decoded([Reference].self).map(\.orderId)
    }
}
