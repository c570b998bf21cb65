import Foundation
import Processes
import Synchronization
import Testing
import Tidings

@testable import Shop

@Suite("The buttons of the tour", .serialized, .timeLimit(.minutes(4)))
struct TourButtonTests {
    @Test("each on its page comes true as it says", arguments: TestDatabase.bothWhenProving)
    func everyButton(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let guest = Guest(person: Person(browser: try await Browser.open(), shop: shop))
            try await guest.records()
            try await guest.compaction()
            try await guest.groups()
            let (lost, ghost) = try await guest.lostAndGhost()
            try await guest.outbox()
            try await guest.choice()
            try await guest.example()
            let all = TourPage.all.flatMap { page in page.deeds.map { "\(page.number) \($0.rawValue)" } }
            let broker = ["7 stop-broker", "7 start-broker", "7 kill-broker", "3 compact"]
            #expect(guest.pressed == Set(all).subtracting(TestShop.brokers.isEmpty ? broker : []))
            // Nothing is wrong but what pages 5 and 6 have lost and invented.
            let effects = try await guest.effects("the end") { effects in
                Set(effects.shipments) == Set(effects.orders).subtracting([lost]).union([ghost])
                    && effects.shipments == effects.invoices
            }
            #expect(Set(effects.shipments).count == effects.shipments.count)
            let audit = try await guest.audit { $0.orders == effects.orders.count && $0.underWay == 0 }
            #expect(Set(audit.findings.map { "\($0.kind) \($0.order)" }) == ["lost \(lost)", "ghost \(ghost)"])
            try await guest.person.browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }
}

/// Someone who takes the tour.
private final class Guest: Sendable {
    let person: Person
    private let done = Mutex<Set<String>>([])

    init(person: Person) {
        self.person = person
    }

    private var shop: TestShop { person.shop }
    var pressed: Set<String> { done.withLock { $0 } }

    struct Audit: Decodable, Sendable {
        struct Finding: Decodable, Sendable {
            var kind: String
            var order: String
        }
        var orders: Int
        var underWay: Int
        var resent: Int
        var findings: [Finding]
    }

    /// The audit, once it says so.
    @discardableResult
    func audit(_ isSo: @escaping @Sendable (Audit) -> Bool) async throws -> Audit {
        let port = shop.ports.start
        return try await eventually("what the audit says", passing: isAway) {
            let audit = try await HTTP.ask("GET", port, "/audit").decoded(Audit.self)
            return isSo(audit) ? audit : nil
        }
    }

    /// Presses a button, which leads back to its page.
    @discardableResult
    private func press(_ deed: String, on page: Int) async throws -> String {
        let said = try await person.press(deed, on: "/tour/\(page)")
        #expect(try await person.browser.address.contains("/tour/\(page)?did="))
        done.withLock { _ = $0.insert("\(page) \(deed)") }
        return said
    }

    /// - Returns: the order that it names.
    private func pressNaming(_ deed: String, on page: Int, _ words: String) async throws -> String {
        let said = try await press(deed, on: page)
        #expect(said.contains(words))
        return String(try #require(said.firstMatch(of: /[Oo]rder ([-A-Z0-9]{14})/), "\(said)").1)
    }

    /// Presses a button, and waits for another process in the place of the one that it kills.
    private func kill(_ role: String, _ instance: Int, _ deed: String, on page: Int) async throws {
        let before = try await shop.process((role, instance))
        #expect(try await press(deed, on: page).contains("was killed"))
        try await eventually("new \(role)", passing: isAway) { [shop] in
            let now = try await shop.process((role, instance))
            return now?.pid != nil && now?.pid != before?.pid && now?.isReady == true
        }
    }

    private func choose(_ way: Sending, on page: Int) async throws {
        let browser = person.browser
        try await browser.go(to: "http://127.0.0.1:\(shop.port)/tour/\(page)")
        try await browser.type(way.title, into: "#sending")
        try await browser.press("#choose-way")
        try await eventually("what was chosen", passing: isAway) {
            try await browser.text(of: "#did").contains("From now on events are sent \(way.title).")
        }
        try await eventually("\(way) in use", passing: isAway) { [shop] in try await shop.sending() == way }
    }

    /// What the services have, once it is so.
    @discardableResult
    func effects(
        _ what: String, _ isSo: @escaping @Sendable (TestShop.Effects) -> Bool
    ) async throws -> TestShop.Effects {
        try await eventually(what, passing: isAway) { [shop] in
            let effects = try await shop.effects()
            return isSo(effects) ? effects : nil
        }
    }

    // MARK: The pages

    func records() async throws {
        let first = try await pressNaming("order", on: 2, "is placed")
        try await kill("order", 1, "kill-order", on: 2)
        #expect(try await shop.settledEffects() == .init(orders: [first], shipments: [first], invoices: [first]))
        #expect(try await press("rebuild", on: 1).contains("read history again"))
        _ = try await shop.settledStatistics(orders: 1)
    }

    func compaction() async throws {
        #expect(try await press("move", on: 3).contains("has moved twenty times"))
        try await eventually("the last address at shipping", passing: isAway) { [shop] in
            let customers = try await HTTP.ask("GET", shop.ports.shipments, "/customers").decoded([CustomerEntry].self)
            return customers.last?.address?.street == "Wandering Lane 20"
        }
        guard !TestShop.brokers.isEmpty else { return }
        try await eventually("what compaction took away", passing: isAway) {
            let outcome = try await self.press("compact", on: 3)
            let numbers = outcome.matches(of: /(\d+) records? before, (\d+) now/)
            #expect(numbers.count == 1, "\(outcome)")
            let said = try await self.person.browser.text(of: "#tour-costs")
            let count = said.firstMatch(of: /(\d+) records went into .* finds (\d+) of them/)
            return count.flatMap { Int($0.1) } ?? 0 > count.flatMap { Int($0.2) } ?? 0
        }
    }

    func groups() async throws {
        try await kill("invoicing", 2, "kill-invoicing-2", on: 4)
        try await press("add-invoicing", on: 4)
        try await eventually("partitions of invoicing 3", passing: isAway) { [shop] in
            try await shop.owners(in: "invoicing").contains("invoicing-3")
        }
        try await press("remove-invoicing", on: 4)
        try await eventually("its partitions with the others", passing: isAway) { [shop] in
            try await shop.owners(in: "invoicing") == ["invoicing-1", "invoicing-2"]
        }
    }

    func lostAndGhost() async throws -> (lost: String, ghost: String) {
        try await choose(.afterAction, on: 5)
        let sent = try await pressNaming("order", on: 5, "is placed")
        let lost = try await pressNaming("kill-between", on: 5, "never will be: lost")
        #expect(try await person.browser.text(of: "#did .mark") == "!")
        try await choose(.beforeAction, on: 6)
        let announced = try await pressNaming("order", on: 6, "is placed")
        let ghost = try await pressNaming("kill-between", on: 6, "a ghost")
        try await audit { audit in
            audit.findings.contains { $0.order == lost && $0.kind == "lost" }
                && audit.findings.contains { $0.order == ghost && $0.kind == "ghost" }
        }
        try await effects("what became of them") { effects in
            Set([sent, lost, announced]).isSubset(of: effects.orders) && !effects.orders.contains(ghost)
                && Set([sent, announced, ghost]).isSubset(of: effects.invoices) && !effects.invoices.contains(lost)
        }
        return (lost, ghost)
    }

    func outbox() async throws {
        try await choose(.outbox, on: 7)
        let before = try await shop.effects().orders.count
        #expect(try await press("stream", on: 7).hasSuffix("a second for 30 seconds."))
        try await effects("the stream’s orders") { $0.orders.count > before + 4 }
        #expect(try await press("end-stream", on: 7).contains("The stream is ended"))
        if !TestShop.brokers.isEmpty {
            try await kill("broker", 1, "kill-broker", on: 7)
            #expect(try await press("stop-broker", on: 7).contains("It stays away until you start it."))
            try await shop.place("MEANWHILE")
            #expect(try await press("start-broker", on: 7).contains("in order"))
            try await effects("its invoice") { $0.invoices.contains("MEANWHILE") }
        }
        let kept = try await pressNaming("kill-between", on: 7, "the event leaves as soon as")
        try await effects("its invoice") { $0.orders.contains(kept) && $0.invoices.contains(kept) }
        let resent = try await audit { _ in true }.resent
        let again = try await pressNaming("kill-relay", on: 7, "with the same stamp")
        try await effects("its invoice") { $0.orders.contains(again) && $0.invoices.contains(again) }
        try await audit { $0.resent > resent }
    }

    func choice() async throws {
        let before = try await shop.effects().orders.count
        #expect(try await press("compare", on: 8).contains("150 orders placed"))
        try await effects("fifty orders in each way") { $0.orders.count == before + 150 }
        let kept = try await pressNaming("kill-between", on: 8, "the event leaves as soon as")
        try await effects("its invoice") { $0.invoices.contains(kept) }
    }

    func example() async throws {
        try await press("stream", on: 9)
        #expect(try await press("stop-shipping", on: 9).contains("waits in the topic"))
        let shipped = try await shop.effects()
        try await effects("invoices without shipments") { now in
            now.invoices.count > shipped.invoices.count && now.shipments.count == shipped.shipments.count
        }
        try await press("end-stream", on: 9)
        #expect(try await press("start-shipping", on: 9).contains("It goes on where it stopped."))
    }
}
