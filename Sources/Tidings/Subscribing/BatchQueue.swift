import DequeModule
import Synchronization

/// What has been received of one partition and waits for its turn: bounded, by asking that receiving be paused.
///
/// The reader offers and never waits, so that it goes on for the other partitions and Kafka sees a member that is alive,
/// however long the database is away.
final class BatchQueue<Batch: Sendable>: Sendable {
    enum Next: Sendable {
        case batch(Batch)
        /// Someone asked for a look at something else; see ``BatchQueue/look()``.
        case look
        /// There is nothing more to come.
        case end
    }

    private struct State {
        var batches: Deque<Batch> = []
        var isPaused = false
        var isLooking = false
        /// The batch is next: whoever asks for one look after the other does not keep it waiting.
        var isBatchsTurn = false
        var isStopped = false
        var taker: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    // MARK: The reader's side

    /// Adds a batch.
    ///
    /// - Returns: true when that is enough for now: the reader pauses the partition and then calls ``didPause()``. It may
    ///   do so again while it is paused: a resuming may have come in between.
    func offer(_ batch: Batch) -> Bool {
        change { state in
            if state.isStopped { return false }
            state.batches.append(batch)
            return state.batches.count >= capacity
        }
    }

    /// The partition is paused.
    ///
    /// - Returns: true when there is room again by now, and the reader has to resume it.
    func didPause() -> Bool {
        state.withLock { state in
            state.isPaused = !state.isStopped && state.batches.count >= capacity
            return !state.isPaused && !state.isStopped
        }
    }

    // MARK: The taker's side

    /// Waits for what comes next.
    ///
    /// - Returns: also, whether the taker has to resume the partition, since there is room now.
    func next() async -> (Next, resumes: Bool) {
        while true {
            if let next = take() { return next }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if Task.isCancelled || state.isStopped || state.isLooking || !state.batches.isEmpty {
                            return true
                        }
                        state.taker = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                stop()
            }
        }
    }

    private func take() -> (Next, resumes: Bool)? {
        state.withLock { state in
            if state.isStopped || Task.isCancelled { return (.end, false) }
            if state.isLooking, !state.isBatchsTurn || state.batches.isEmpty {
                state.isLooking = false
                state.isBatchsTurn = true
                return (.look, false)
            }
            state.isBatchsTurn = false
            guard let batch = state.batches.popFirst() else { return nil }
            defer { if state.batches.count < capacity { state.isPaused = false } }
            return (.batch(batch), resumes: state.isPaused && state.batches.count < capacity)
        }
    }

    /// Has the taker look at something else, in turn with batches; often asked before it does, it looks once.
    func look() {
        change { $0.isLooking = true }
    }

    /// What waits is dropped: nobody has handled it, and it comes again.
    func stop() {
        change { state in
            state.isStopped = true
            state.batches = []
        }
    }

    private func change<R: Sendable>(_ body: (inout sending State) -> sending R) -> R {
        let (result, taker) = state.withLock { state in
            let result = body(&state)
            return (result, state.taker.take())
        }
        taker?.resume()
        return result
    }
}
