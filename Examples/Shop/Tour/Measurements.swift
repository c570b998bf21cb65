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
        private var dropped = 0

        /// The longest; nil when there is none.
        var longest: Double? { milliseconds.max() }

        mutating func add(_ time: Double) {
            milliseconds.append(time)
            if milliseconds.count > 2 * Self.kept {
                milliseconds.removeFirst(Self.kept)
                dropped += Self.kept
            }
        }

        /// How many there were; the latest of them are what the rest is said of.
        var count: Int { dropped + milliseconds.count }

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

    /// Orders in all three ways that are counted apart from all others, since they were placed under the same load.
    struct Comparison: Sendable, Equatable {
        /// When it began, in RFC 3339.
        let startedAt = Timestamp.now().rfc3339
        fileprivate let number: Int
    }

    private struct Order {
        let sending: Sending
        let comparison: Comparison?
        var isPlaced = false
        var isSeen = false
    }

    private struct State {
        var ways: [Sending: Way] = [:]
        var comparison: Comparison?
        var compared: [Sending: Way] = [:]
        var comparisons = 0
        /// Orders whose times are not both known yet.
        var orders: [String: Order] = [:]

        /// Adds a time to all orders' and, if it belongs to the latest comparison, to its orders'.
        mutating func note(_ id: String, _ step: WritableKeyPath<Order, Bool>, _ add: (inout Way) -> Void) {
            guard var order = orders[id] else { return }
            order[keyPath: step] = true
            add(&ways[order.sending, default: Way()])
            if let comparison, order.comparison == comparison { add(&compared[order.sending, default: Way()]) }
            orders[id] = order.isPlaced && order.isSeen ? nil : order
        }
    }

    private let state = Mutex(State())

    /// What was compared before no longer counts; the orders of this comparison name it.
    func beginComparison() -> Comparison {
        state.withLock { state in
            state.comparisons += 1
            let comparison = Comparison(number: state.comparisons)
            (state.comparison, state.compared) = (comparison, [:])
            return comparison
        }
    }

    /// An order is about to be placed, which is then sent this way.
    func placing(_ order: String, _ sending: Sending, in comparison: Comparison? = nil) {
        state.withLock { state in
            // What was never seen is forgotten some time.
            if state.orders.count > 5000 { state.orders = [:] }
            state.orders[order] = Order(sending: sending, comparison: comparison)
        }
    }

    /// An order was accepted.
    func placed(_ order: String, after time: Duration) {
        state.withLock { $0.note(order, \.isPlaced) { $0.action.add(time / .milliseconds(1)) } }
    }

    /// An order's event was seen in Kafka. It may be there before the order is accepted.
    func seen(_ order: String, after milliseconds: Int64) {
        state.withLock { $0.note(order, \.isSeen) { $0.visible.add(Double(milliseconds)) } }
    }

    /// All orders of a way, whatever went on beside them.
    subscript(sending: Sending) -> Way { state.withLock { $0.ways[sending] ?? Way() } }

    /// The latest comparison, if there was any.
    var latestComparison: (startedAt: String, ways: [Sending: Way])? {
        state.withLock { state in state.comparison.map { ($0.startedAt, state.compared) } }
    }
}
