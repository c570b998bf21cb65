import Synchronization

/// Tells a relay in the same process that there is something in the outbox, right after the commit.
///
/// A store tells the relays of other processes as well, in its own way (``Store/listenForAppends()``), unless the one here
/// has the whole outbox (``reachesEveryRelay``).
///
/// Raising it is cheap and never blocks, and raising it often before anyone looks counts once.
public final class OutboxSignal: Sendable {
    private struct State {
        var isRaised = false
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var reachesEveryRelay = false
    }

    private let state = Mutex(State())

    /// A signal that is not raised.
    public init() {}

    /// True while a relay in this process has the whole outbox, so that nobody else need be told; the relay says so.
    public var reachesEveryRelay: Bool {
        get { state.withLock { $0.reachesEveryRelay } }
        set { state.withLock { $0.reachesEveryRelay = newValue } }
    }

    /// Wakes whoever waits; without anyone, the next wait returns at once.
    public func raise() {
        let waiters = state.withLock { state in
            let waiters = state.waiters
            state.waiters = [:]
            state.isRaised = waiters.isEmpty
            return waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Waits until the signal is raised or the task is cancelled.
    public func wait() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return true
                    }
                    state.waiters[id] = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
