import Synchronization
import Tidings

/// When the latest orders were counted: beside the statistics, which depend on nothing but the events themselves.
final class Arrivals: Sendable {
    /// An order as it was counted, and the number of the arrival.
    struct Arrival: Codable, Sendable {
        var number: Int
        var orderId: String
        var handling: Handling
    }

    /// How many are kept.
    private static let kept = 400
    /// An event older than this is history that is read at a start: it says nothing of how long events take.
    private static let longestWay: Int64 = 60_000

    /// Numbers begin with the time, so that they grow from one start of the service to the next.
    private let state = Mutex<(next: Int, latest: [Arrival])>((Int(Timestamp.now().millisecondsSince1970) * 1000, []))

    func note(_ order: String, _ delivery: Delivery) {
        let handling = Handling(delivery, by: "statistics-1")
        guard handling.afterMilliseconds < Self.longestWay else { return }
        state.withLock { state in
            state.latest.append(Arrival(number: state.next, orderId: order, handling: handling))
            state.next += 1
            if state.latest.count > 2 * Self.kept { state.latest.removeFirst(Self.kept) }
        }
    }

    /// Those with a higher number, the oldest first.
    func after(_ number: Int) -> [Arrival] { state.withLock { $0.latest.filter { $0.number > number } } }
}
