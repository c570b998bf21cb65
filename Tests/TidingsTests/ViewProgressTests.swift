import Testing

@testable import Tidings

@Suite("The progress of a view")
struct ViewProgressTests {
    @Test("the rate counts what lies behind, from all that lay ahead; the remaining time is the rest at that rate")
    func onTheWay() {
        // Compaction has left 80 records at 100 offsets.
        let progress = ViewProgress(records: 80, total: 400, remaining: 300, elapsed: .seconds(2))
        #expect(progress.rate == 50)
        #expect(progress.timeRemaining == .seconds(6))
        #expect(progress.fraction == 0.25)
    }

    @Test("before anything is read, or any time has gone by, nothing is said of what remains")
    func atTheStart() {
        for progress in [
            ViewProgress(), ViewProgress(total: 400, remaining: 400, elapsed: .seconds(2)),
            ViewProgress(records: 100, total: 400, remaining: 300, elapsed: .zero),
        ] {
            #expect(progress.rate == 0 && progress.timeRemaining == nil)
        }
    }

    @Test("once it is ready nothing remains, however little there was, and the rate is that of the way")
    func atTheEnd() {
        let progress = ViewProgress(records: 900, total: 400, remaining: 0, elapsed: .seconds(4), isReady: true)
        #expect(progress.rate == 100 && progress.timeRemaining == .zero && progress.fraction == 1)
        let empty = ViewProgress(elapsed: .milliseconds(3), isReady: true)
        #expect(empty.rate == 0 && empty.timeRemaining == .zero && empty.fraction == 1)
    }
}
