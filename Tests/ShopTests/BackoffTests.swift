import Testing

@testable import Shop

@Suite("Restarting")
struct BackoffTests {
    @Test("a process that had been working is started again at once")
    func atOnce() {
        var backoff = Backoff()
        for _ in 0..<10 { #expect(backoff.died(after: Backoff.settled) == .zero) }
    }

    @Test("one that dies at once every time waits longer and longer, up to a limit, and is forgiven once it works")
    func patience() {
        var backoff = Backoff()
        let waits = (0..<12).map { _ in backoff.died(after: .milliseconds(10)) }
        #expect(waits[0] == .zero && waits[2] == Backoff.first)
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(waits.last == Backoff.longest)
        #expect(backoff.died(after: .seconds(60)) == .zero)
    }
}
