import Synchronization

/// How many events go into one transaction: as many as wait, as long as that keeps the transaction short.
///
/// It learns from each transaction what an event takes. Handlers that write a row or two are taken by the hundreds, when
/// there are so many; those that take their time, one by one.
final class Pace: Sendable {
    private let maximumCount: Int
    private let maximumTime: Duration
    private let perEvent = Mutex<Duration?>(nil)

    init(maximumCount: Int, maximumTime: Duration) {
        self.maximumCount = max(1, maximumCount)
        self.maximumTime = maximumTime
    }

    /// The first transaction is a small one, to learn from.
    private static let firstCount = 20

    /// How many the next transaction takes at most.
    var limit: Int {
        guard let perEvent = perEvent.withLock({ $0 }) else { return min(maximumCount, Pace.firstCount) }
        guard perEvent > .zero else { return maximumCount }
        return max(1, min(maximumCount, Int(min(maximumTime / perEvent, 1e9))))
    }

    /// A transaction with so many events took so long.
    func took(_ time: Duration, for count: Int) {
        guard count > 0 else { return }
        perEvent.withLock { perEvent in
            let sample = time / count
            perEvent = perEvent.map { ($0 * 3 + sample) / 4 } ?? sample
        }
    }
}
