import Testing
import Tidings
import TidingsTesting

@Suite(.timeLimit(.minutes(1))) struct OutboxSignalTests {
    @Test("a signal raised before anyone waits is not lost, and counts once")
    func raisedBefore() async {
        let signal = OutboxSignal()
        signal.raise()
        signal.raise()
        await signal.wait()
        let second = Task { await signal.wait() }
        second.cancel()
        await second.value
    }

    @Test("a cancelled wait returns")
    func cancelled() async {
        let signal = OutboxSignal()
        let task = Task { await signal.wait() }
        task.cancel()
        await task.value
    }

    @Test("a back-off doubles up to its longest delay")
    func backoff() {
        let backoff = Backoff(first: .milliseconds(50), longest: .seconds(1))
        let delays = (1...7).map { backoff.delay(after: $0) }
        #expect(delays == [50, 100, 200, 400, 800, 1000, 1000].map { Duration.milliseconds($0) })
    }
}
