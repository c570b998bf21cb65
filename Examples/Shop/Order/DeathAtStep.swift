import Glibc
import Synchronization
import Tidings

/// Ends the process the hard way when publishing or relaying what happened to an order reaches a step, as a power cut or
/// `kill -9` would: the way to see with one's own eyes what each way of sending loses or invents.
final class DeathAtStep: Probe {
    private let point: Mutex<String?>

    /// - Parameter point: the step; nil until one is named with ``arm(_:)``.
    init(_ point: String? = nil) {
        self.point = Mutex(point)
    }

    /// Names the step at which the process ends; nil for none.
    func arm(_ point: String?) {
        self.point.withLock { $0 = point }
    }

    func reached(_ step: Step) {
        guard point.withLock({ $0 == step.point.rawValue }) else { return }
        if step.events.contains(where: { $0.rawValue.hasPrefix("shop.order.") }) { kill(getpid(), SIGKILL) }
    }
}
