import Glibc
import Synchronization
import Tidings

/// Freezes its own process (SIGSTOP) when a step is reached for the first time, and says so.
final class StopProbe: Probe {
    private let point: Step.Point
    private let isDone = Atomic(false)

    init(at point: Step.Point) { self.point = point }

    static func fromEnvironment() throws -> (any Probe)? {
        guard let value = getenv("TIDINGS_STOP_AT").map({ String(cString: $0) }), !value.isEmpty else { return nil }
        let point = Step.Point(rawValue: value)
        guard Step.Point.all.contains(point) else { throw Options.Wrong(description: "\(value) is no step") }
        return StopProbe(at: point)
    }

    func reached(_ step: Step) {
        guard step.point == point, !isDone.exchange(true, ordering: .relaxed) else { return }
        FaultSubject.say("stopping")
        // To this very thread, so that it goes no further; a signal to the process may be taken by another, later.
        raise(SIGSTOP)
    }
}
