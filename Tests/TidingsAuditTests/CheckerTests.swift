import Testing
import Tidings
import TidingsAudit

/// Forged histories, each with one thing wrong that the checker must name, and nothing else.
@Suite struct CheckerTests {
    private let checker = Checker(readers: ["invoicing"])

    /// A run in which all is well: events 1–4, two keys, each seen once and with one effect.
    private var good: [Fact] {
        (1...4).map { .actionCommitted(event: EventID("\($0)"), key: key($0), sequence: Int64($0)) }
            + (1...4).map { .eventVisible(event: EventID("\($0)"), key: key($0), partition: 0, offset: Int64($0)) }
            + (1...4).map { effect($0) }
    }

    private func key(_ number: Int) -> String { number % 2 == 0 ? "even" : "odd" }

    private func effect(_ number: Int, at reader: String = "invoicing") -> Fact {
        .effect(event: EventID("\(number)"), key: key(number), reader: reader)
    }

    private func visible(_ number: Int, at offset: Int64, partition: Int32 = 0) -> Fact {
        .eventVisible(event: EventID("\(number)"), key: key(number), partition: partition, offset: offset)
    }

    private func check(_ facts: [Fact]) -> Verdict { checker.check(History(facts)) }

    @Test("a run in which all is well is clean")
    func clean() {
        let verdict = check(good)
        #expect(verdict.isClean, "\(verdict)")
        #expect(check([]).isClean)
    }

    @Test("a committed action without an event is a lost event, and a lost effect")
    func lost() {
        let verdict = check(good.filter { $0 != visible(3, at: 3) && $0 != effect(3) })
        #expect(verdict.events(.lost) == ["3"])
        #expect(verdict.effects(.lost, at: "invoicing") == ["3"])
        #expect(verdict.findings.count == 2)
    }

    @Test("an action that its caller was told of and that is not committed is lost")
    func lostAction() {
        let told = (1...5).map { Fact.actionAcknowledged(event: EventID("\($0)"), key: key($0)) }
        let verdict = check(good + told)
        #expect(verdict.events(.lost) == ["5"])
        #expect(verdict.findings.count == 1)
    }

    @Test("an event that no reader acted on is a lost effect")
    func lostEffect() {
        let verdict = check(good.filter { $0 != effect(2) })
        #expect(verdict.effects(.lost, at: "invoicing") == ["2"])
        #expect(verdict.findings.count == 1)
    }

    @Test("an event without a committed action is a ghost, and so is its effect")
    func ghost() {
        let verdict = check(good + [visible(5, at: 5), effect(5)])
        #expect(verdict.events(.ghost) == ["5"])
        #expect(verdict.effects(.ghost, at: "invoicing") == ["5"])
        #expect(verdict.findings.count == 2)
    }

    @Test("an event that is in Kafka twice is doubled")
    func doubledEvent() {
        let verdict = check(good + [visible(2, at: 9)])
        #expect(verdict.events(.doubled) == ["2"])
        #expect(verdict.findings.count == 1)
    }

    @Test("two effects of one event are doubled")
    func doubledEffect() {
        let verdict = check(good + [effect(2)])
        #expect(verdict.effects(.doubled, at: "invoicing") == ["2"])
        #expect(verdict.findings.count == 1)
    }

    @Test("an event behind a later one of its key is reordered")
    func reorderedEvent() {
        let facts = good.map { $0 == visible(2, at: 2) ? visible(2, at: 8) : $0 }
        let verdict = check(facts)
        #expect(verdict.events(.reordered) == ["2"])
        #expect(verdict.findings.count == 1)
    }

    @Test("an effect behind that of a later event of its key is reordered")
    func reorderedEffect() {
        let verdict = check(good.filter { $0 != effect(1) } + [effect(1)])
        #expect(verdict.effects(.reordered, at: "invoicing") == ["1"])
        #expect(verdict.findings.count == 1)
    }

    @Test("a key in two partitions has lost its order")
    func twoPartitions() {
        let facts = good.map { $0 == visible(4, at: 4) ? visible(4, at: 4, partition: 1) : $0 }
        #expect(check(facts).events(.reordered) == ["4"])
    }

    @Test("a batch that was sent twice in the same order is doubled, not reordered")
    func resent() {
        let verdict = check(good + (1...4).map { visible($0, at: Int64(10 + $0)) })
        #expect(verdict.events(.doubled) == ["1", "2", "3", "4"])
        #expect(verdict.count(.reordered) == 0)
    }

    @Test("keys have no order among themselves")
    func keysApart() {
        let facts = good.map { fact -> Fact in
            if fact == visible(1, at: 1) { return visible(1, at: 2) }
            return fact == visible(2, at: 2) ? visible(2, at: 1) : fact
        }
        #expect(check(facts).isClean)
    }

    @Test("a reader that is not expected may miss events but not double them")
    func unexpectedReader() {
        let verdict = check(good + [effect(1, at: "search"), effect(1, at: "search")])
        #expect(verdict.effects(.doubled, at: "search") == ["1"])
        #expect(verdict.findings.count == 1)
    }

    @Test("the verdict can be read by a person")
    func readable() {
        let text = check(good + [visible(5, at: 5)]).description
        #expect(text.hasPrefix("lost 0, ghost 1, doubled 0, reordered 0\n"))
        #expect(text.contains("ghost event 5"))
    }
}
