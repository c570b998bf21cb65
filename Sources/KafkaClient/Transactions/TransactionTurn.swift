import Synchronization

/// Sees to it that a producer has one transaction at a time, none after a failure that it cannot recover from, and none
/// once it is closing.
final class TransactionTurn: Sendable {
    private struct State {
        var isOpen = false
        var isBroken = false
        var isClosing = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func begin() throws(KafkaError) {
        let refusal = state.withLock { state -> KafkaError? in
            if state.isClosing { return .closed("transactional producer") }
            if state.isBroken {
                return KafkaError(
                    .wrongState,
                    "an earlier transaction did not end; make a new producer with the same transactional id",
                    isFatal: true)
            }
            if state.isOpen {
                return KafkaError(.wrongState, "a transaction is open; a producer has one at a time")
            }
            state.isOpen = true
            return nil
        }
        if let refusal { throw refusal }
    }

    func end(isUsable: Bool) {
        wake { state in
            state.isOpen = false
            if !isUsable { state.isBroken = true }
        }
    }

    /// Lets no transaction begin any more.
    func close() {
        state.withLock { $0.isClosing = true }
    }

    /// Returns when no transaction is open, or the task is cancelled.
    func idle() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIdle = state.withLock { state in
                    if !state.isOpen || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isIdle { continuation.resume() }
            }
        } onCancel: {
            wake { _ in }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }
}
