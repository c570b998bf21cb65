import Testing
import Tidings
import TidingsAudit

/// Forged reports of clients, each with one thing wrong that must be named.
@Suite("What the clients of a load tell")
struct LoadHistoryTests {
    private func event(_ topic: String, _ number: Int) -> String {
        #"{"topic": "\#(topic)", "key": "\#(number % 2)", "id": "\#(topic)-\#(number)", "sequence": \#(number)}"#
    }

    private func acknowledged(_ number: Int) -> String {
        #"{"acknowledged": \#(event("t", number)), "partition": 0, "offset": \#(number)}"#
    }

    private func found(_ number: Int, at offset: Int? = nil, in topic: String = "t") -> String {
        #"{"found": \#(event(topic, number)), "partition": 0, "offset": \#(offset ?? number)}"#
    }

    private func read(_ numbers: Int...) -> String {
        #"{"read": [\#(numbers.map { event("t", $0) }.joined(separator: ", "))]}"#
    }

    private func transaction(_ number: Int, _ events: Int...) -> String {
        let list = events.map { event("t", $0) }.joined(separator: ", ")
        return #"{"transaction": \#(number), "events": [\#(list)]}"#
    }

    private func history(_ clients: [String]...) throws -> LoadHistory {
        var history = LoadHistory()
        for lines in clients { try history.add(lines) }
        return history
    }

    private var four: [String] { (0..<4).map { acknowledged($0) } }
    private var fourFound: [String] { (0..<4).map { found($0) } }

    @Test("with everything in its place nothing is wrong")
    func clean() throws {
        let members = [#"{"assigned": [0]}"#, read(0, 1), #"{"stored": 2}"#, read(2, 3), #"{"stored": 2}"#]
        let history = try history(four, members, fourFound)
        let verdict = history.verdict(on: "t", isFollowed: true)
        #expect(verdict.isClean, "\(verdict)")
        #expect(history.misplaced(in: "t").isEmpty)
    }

    @Test("an acknowledged record that is gone is lost, and one that is there twice is doubled")
    func lostAndDoubled() throws {
        let verdict = try history(four, [found(0), found(1), found(2), found(2, at: 7)]).verdict(on: "t")
        #expect(verdict.events(.lost) == ["t-3"])
        #expect(verdict.events(.doubled) == ["t-2"])
        #expect(verdict.findings.count == 2)
    }

    @Test("a record elsewhere than acknowledged is told")
    func misplaced() throws {
        let history = try history(four, [found(0), found(1), found(2), found(3, at: 9)])
        #expect(history.misplaced(in: "t").map(\.id) == ["t-3"])
    }

    @Test("a record of an aborted transaction that is seen is a ghost, whoever saw it")
    func aborted() throws {
        let aborted = [transaction(1, 5), #"{"aborted": 1}"#]
        let verdict = try history(aborted, [read(5), #"{"stored": 1}"#], [found(5)]).verdict(on: "t", isFollowed: true)
        #expect(verdict.events(.ghost) == ["t-5"])
        #expect(verdict.effects(.ghost, at: "followers") == ["t-5"])
        #expect(verdict.findings.count == 2)
    }

    @Test("of a transaction without an answer all may be there or nothing, but not a part")
    func inDoubt() throws {
        let open = [transaction(1, 5, 6)]
        #expect(try history(open, []).verdict(on: "t").isClean)
        #expect(try history(open, [found(5), found(6)]).verdict(on: "t").isClean)
        #expect(try history(open, [found(6)]).verdict(on: "t").events(.lost) == ["t-5"])
    }

    @Test("a committed offset that is lost shows in records that have their effect again")
    func lostCommit() throws {
        let members = [read(0, 1), #"{"stored": 2}"#, #"{"assigned": [0]}"#, read(1, 2, 3), #"{"stored": 3}"#]
        let verdict = try history(four, members, fourFound).verdict(on: "t", isFollowed: true)
        #expect(verdict.effects(.doubled, at: "followers") == ["t-1"])
        #expect(verdict.findings.count == 1)
    }

    @Test("what was read without an answer to its commit may come again, or not")
    func unansweredCommit() throws {
        for second in [[read(1, 2, 3)], [read(2, 3)]] {
            let members = [read(0), #"{"stored": 1}"#, read(1), #"{"assigned": [0]}"#] + second + [#"{"stored": 2}"#]
            let verdict = try history(four, members, fourFound).verdict(on: "t", isFollowed: true)
            #expect(verdict.isClean, "\(verdict)")
        }
    }

    @Test("a member that skips a record has lost it")
    func skipped() throws {
        let members = [read(0, 1), #"{"stored": 2}"#, #"{"assigned": [0]}"#, read(3), #"{"stored": 1}"#]
        let verdict = try history(four, members, fourFound).verdict(on: "t", isFollowed: true)
        #expect(verdict.effects(.lost, at: "followers") == ["t-2"])
    }

    @Test("in a compacted topic the last record of each key must be there, and others may")
    func compacted() throws {
        #expect(try history(four, [found(2), found(3)]).verdict(on: "t", isCompacted: true).isClean)
        #expect(try history(four, [found(1), found(2), found(3)]).verdict(on: "t", isCompacted: true).isClean)
        #expect(try history(four, [found(1), found(2)]).verdict(on: "t", isCompacted: true).events(.lost) == ["t-3"])
    }
}
