import Synchronization
import Tidings

/// What was measured in this shop since the start page runs: for each way of sending how long customers waited for the
/// order service, and how long events took until they could be read from Kafka.
final class Measurements: Sendable {
    /// Times of one kind.
    struct Times: Sendable {
        /// As many are kept, the latest.
        private static let kept = 2000

        private var milliseconds: [Double] = []

        mutating func add(_ time: Double) {
            milliseconds.append(time)
            if milliseconds.count > 2 * Self.kept { milliseconds.removeFirst(Self.kept) }
        }

        var count: Int { milliseconds.count }

        /// The time that so large a part of them stays below (0.5 is the median); nil when there is none.
        func quantile(_ part: Double) -> Double? {
            guard !milliseconds.isEmpty else { return nil }
            let sorted = milliseconds.sorted()
            return sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
        }
    }

    struct Way: Sendable {
        var action = Times()
        var visible = Times()
    }

    private struct State {
        var ways: [Sending: Way] = [:]
        /// How orders were sent whose events have not been seen yet.
        var sent: [String: Sending] = [:]
    }

    private let state = Mutex(State())

    /// An order is about to be placed, which is then sent this way.
    func placing(_ order: String, _ sending: Sending) {
        state.withLock { state in
            // What was never seen is forgotten some time.
            if state.sent.count > 5000 { state.sent = [:] }
            state.sent[order] = sending
        }
    }

    /// An order was accepted.
    func placed(_ sending: Sending, after time: Duration) {
        state.withLock { $0.ways[sending, default: Way()].action.add(time / .milliseconds(1)) }
    }

    /// An order's event was seen in Kafka.
    func seen(_ order: String, after milliseconds: Int64) {
        state.withLock { state in
            guard let sending = state.sent.removeValue(forKey: order) else { return }
            state.ways[sending, default: Way()].visible.add(Double(milliseconds))
        }
    }

    subscript(sending: Sending) -> Way { state.withLock { $0.ways[sending] ?? Way() } }
}
