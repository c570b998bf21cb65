import Foundation
import Processes
import Testing
import Tidings
import TidingsAudit

@testable import Shop

@Suite("The running audit", .serialized, .timeLimit(.minutes(3)))
struct AuditTests {
    private func sighting(
        _ order: String, offset: Int64, stamp: String? = nil, seenAt: Int64 = 100, isCancellation: Bool = false
    ) -> Sighting {
        Sighting(
            event: isCancellation ? AuditEvidence.cancelled(order) : AuditEvidence.placed(order), order: order,
            isCancellation: isCancellation, partition: 0, offset: offset, happenedAt: 90, seenAt: seenAt, stamp: stamp)
    }

    private func evidence(
        _ sightings: [Sighting], effects: [String] = ["a"], handledUpTo: [Int: Int64]? = [0: 10]
    ) -> AuditEvidence {
        AuditEvidence(
            accepted: ["a": 50], sightings: sightings, sentBefore: 1000, writtenBefore: 1000,
            readers: [
                .init(
                    name: "invoicing", effects: effects.map { (AuditEvidence.placed($0), $0) }, handledUpTo: handledUpTo
                )
            ])
    }

    @Test("an order with one event and one effect is well")
    func well() {
        let report = evidence([sighting("a", offset: 0)]).judge()
        #expect(report.isClean && report.orders == 1 && report.underWay == 0)
    }

    @Test("an order without an event is under way as long as it may still be sent, and lost afterwards")
    func lost() {
        var evidence = evidence([], effects: [])
        evidence.sentBefore = 50
        #expect(evidence.judge().isClean && evidence.judge().underWay == 1)
        evidence.sentBefore = 51
        let report = evidence.judge()
        #expect(report.subjects.map(\.lost) == [1, 1] && report.underWay == 0)
        #expect(report.findings.map(\.order) == ["a", "a"])
    }

    @Test("an event without an order is under way as long as it may still be written, and a ghost afterwards")
    func ghost() {
        var evidence = evidence(
            [sighting("a", offset: 0), sighting("g", offset: 1, seenAt: 200)], effects: ["a", "g"])
        evidence.writtenBefore = 200
        #expect(evidence.judge().isClean && evidence.judge().underWay == 1)
        evidence.writtenBefore = 201
        let report = evidence.judge()
        #expect(report.subjects.map(\.ghost) == [1, 1])
        #expect(Set(report.findings.map(\.order)) == ["g"])
    }

    @Test("what came twice is doubled, unless its stamp says that it was sent again")
    func doubled() {
        let twice = [sighting("a", offset: 0), sighting("a", offset: 1)]
        #expect(evidence(twice).judge().subjects[0].doubled == 1)
        let again = [sighting("a", offset: 0, stamp: "x/0/1/0"), sighting("a", offset: 1, stamp: "x/0/1/0")]
        let report = evidence(again).judge()
        #expect(report.isClean && report.resent == 1)
        #expect(evidence([sighting("a", offset: 0)], effects: ["a", "a"]).judge().subjects[1].doubled == 1)
    }

    @Test("a reader that is behind has lost nothing; one that is past an event must have had its effect")
    func behind() {
        let seen = [sighting("a", offset: 9)]
        let behind = evidence(seen, effects: [], handledUpTo: [0: 9]).judge()
        #expect(behind.isClean && behind.subjects[1].behind == 1)
        #expect(evidence(seen, effects: [], handledUpTo: nil).judge().isClean)
        let past = evidence(seen, effects: [], handledUpTo: [0: 10]).judge()
        #expect(past.subjects[0].isClean && past.subjects[1].lost == 1)
        // Its database knows before Kafka hears of it.
        let arrived = evidence(seen, effects: ["a"], handledUpTo: [0: 9]).judge()
        #expect(arrived.isClean && arrived.subjects[1].behind == 0)
    }

    @Test("how far a service is its own database says, unless Kafka knows more")
    func lag() {
        var partition = PartitionState(
            partition: 2, endOffset: 9,
            owners: [
                PartitionOwner(group: "shipping", instance: nil, lag: 5),
                PartitionOwner(group: "invoicing", instance: nil, lag: 5),
            ])
        func lags() -> [Int64] { partition.owners.map(\.lag) }
        partition.note([2: 7, 1: 9], by: "shipping")
        #expect(lags() == [2, 5])
        partition.note([:], by: "invoicing")
        partition.note([2: 3], by: "shipping")
        #expect(lags() == [2, 5])
    }

    @Test("a cancellation that comes before its order is out of order")
    func reordered() {
        var evidence = evidence([
            sighting("a", offset: 1), sighting("a", offset: 0, isCancellation: true),
        ])
        evidence.deleted["a"] = 60
        evidence.readers = []
        #expect(evidence.judge().subjects[0].reordered == 1)
    }

    @Test("the page lists orders, what is no loss first, and says of when a judgement is that is not fresh")
    func page() throws {
        var report = AuditReport()
        for number in 1...14 {
            for subject in ["topic", "shipping"] {
                report.findings.append(
                    .init(kind: .lost, order: "l\(number)", subject: subject, explanation: "not in Kafka"))
            }
        }
        report.findings.append(.init(kind: .ghost, order: "g", subject: "topic", explanation: "no such order"))
        report.judgedAt = "2026-11-28T12:00:00.000Z"
        let judged = try #require(Timestamp(rfc3339: "2026-11-28T12:00:00.000Z")).millisecondsSince1970
        let fresh = AuditView(report, at: Timestamp(millisecondsSince1970: judged + 1_000))
        #expect(fresh.entries.map(\.order) == ["g"] + (1...11).map { "l\($0)" } && fresh.more == "and 3 orders more")
        #expect(fresh.entries[1].text == "lost, event in the topic: not in Kafka (so, too: shipment)")
        #expect(fresh.sentence.contains("wrong with 15 orders") && !fresh.sentence.contains("Judged"))
        let old = AuditView(report, at: Timestamp(millisecondsSince1970: judged + 20_000))
        #expect(old.sentence.hasSuffix("Judged at 12:00:00 (UTC)."))
        report.waitsFor = "Kafka does not answer"
        let waiting = AuditView(report).sentence
        #expect(
            waiting.hasPrefix("The audit waits: Kafka does not answer. As of 12:00:00 (UTC): 0 orders audited, and"))
    }

    @Test("what is being done is not begun a second time, and can be done again afterwards")
    func oneAtATime() async throws {
        let turn = OneAtATime()
        let again = try await turn(orRefuse: "busy") {
            await #expect(throws: Refusal.self) { try await turn(orRefuse: "busy") {} }
            return 1
        }
        #expect(try await turn(orRefuse: "busy") { again + 1 } == 2)
    }

    /// What `GET /audit` tells.
    private struct Told: Decodable, Sendable {
        struct Finding: Decodable, Sendable {
            var kind: String
            var order: String
        }
        struct Subject: Decodable, Sendable, Equatable {
            var name: String
            var lost: Int
            var ghost: Int
            var doubled: Int
            var behind: Int
        }
        var orders: Int
        var underWay: Int
        var resent: Int
        var subjects: [Subject]
        var findings: [Finding]
        var judgedAt: String?
        var waitsFor: String?

        func wrong(_ lost: Int, _ ghost: Int) -> Bool {
            subjects.allSatisfy { $0.lost == lost && $0.ghost == ghost && $0.doubled == 0 }
        }
    }

    /// Whoever follows a ghost learns that there is no such order, and who has acted on it.
    private func followGhost(_ person: Person, _ shop: TestShop) async throws {
        let told = try await HTTP.ask("GET", shop.ports.start, "/audit").decoded(Told.self)
        let ghost = try #require(told.findings.first { $0.kind == "ghost" }).order
        let browser = person.browser
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.invoices)/invoices/\(ghost)")
        #expect(try await browser.text(of: "h1").contains("Invoice"))
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/orders/\(ghost)")
        #expect(try await browser.text(of: "h1") == "There is no order \(ghost)")
        try await browser.press("main p a[href*=history]")
        let verdict = try await eventually("the history", passing: isAway) { try await browser.text(of: "#verdict") }
        #expect(verdict.contains("There is no such order in the order service") && verdict.contains("a ghost"))
        let facts = try await browser.text(of: "tbody")
        try await browser.keepPicture(as: "history-of-ghost")
        for words in ["no order of this number", "sent directly", "a shipment was made out", "an invoice was made out"]
        {
            #expect(facts.contains(words), "\(facts)")
        }
    }

    @Test(
        "a kill between database and sending is lost with after, a ghost with before, and nothing with the outbox",
        arguments: TestDatabase.allCases)
    func threeWays(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let person = Person(browser: try await Browser.open(), shop: shop)
            func judged(_ what: String, _ isSo: @escaping @Sendable (Told) -> Bool) async throws {
                try await eventually(what, passing: isAway) {
                    let told = try await HTTP.ask("GET", shop.ports.start, "/audit").decoded(Told.self)
                    let isSettled =
                        told.waitsFor == nil && told.underWay == 0 && told.subjects.allSatisfy { $0.behind == 0 }
                    return isSettled && told.judgedAt != nil && isSo(told)
                }
            }
            let told = try await person.press("kill-between")
            #expect(told.contains("the event leaves as soon as service and Kafka are there"))
            try await judged("a clean audit") { $0.orders == 1 && $0.wrong(0, 0) }
            #expect(try await person.press("kill-relay").contains("with the same stamp"))
            try await judged("what was sent again") { $0.orders == 2 && $0.resent == 1 && $0.wrong(0, 0) }
            #expect(try await shop.settledEffects().invoices.count == 2)

            try await shop.choose("afterAction")
            #expect(try await person.press("kill-between").contains("lost"))
            try await judged("the lost one") { $0.orders == 3 && $0.wrong(1, 0) }

            try await shop.choose("beforeAction")
            #expect(try await person.press("kill-between").contains("ghost"))
            try await judged("the ghost") { $0.orders == 3 && $0.wrong(1, 1) }

            try await eventually("what the page says", passing: isAway) {
                try await person.browser.text(of: "#audit .notice").contains("wrong with 2 orders")
            }
            try await person.browser.keepPicture(as: "overview-wrong")
            try await person.browser.press(".findings a")
            try await eventually("the history", passing: isAway) {
                try await person.browser.text(of: "h1").hasPrefix("History of")
            }
            try await followGhost(person, shop)
            try await person.browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }
}
