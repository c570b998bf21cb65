import Synchronization

/// Calls a closure once, after so many ticks from whatever threads.
final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let done: @Sendable () -> Void

    init(_ count: Int, then done: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.done = done
    }

    func tick() {
        if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done() }
    }
}
