import Synchronization
import Tidings

/// Keeps the steps it hears of, in order, and may pass them on; for tests in one process.
public final class StepRecorder: Probe {
    private let recorded = Mutex<[Step]>([])
    private let next: (any Probe)?

    /// A recorder that passes each step on to `next` after keeping it.
    public init(then next: (any Probe)? = nil) {
        self.next = next
    }

    /// The steps so far.
    public var steps: [Step] { recorded.withLock { $0 } }

    public func reached(_ step: Step) {
        recorded.withLock { $0.append(step) }
        next?.reached(step)
    }
}
