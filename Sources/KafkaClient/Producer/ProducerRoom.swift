import DequeModule
import Synchronization

/// Who is putting messages into librdkafka's queue, who waits for room in it, and who waits for it to be empty.
final class ProducerRoom: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var deliveries = 0
        var unsettled = 0
        /// How many calls are just now putting messages into librdkafka's queue.
        var inside = 0
        /// New sends are refused.
        var isClosing = false
        /// Nothing enters any more.
        var isClosed = false
        var nextID = 0
        var waiting: Deque<Waiter> = []
        var flushing: Deque<Waiter> = []
    }

    private let state = Mutex(State())
    private let vacated: @Sendable () -> Void

    /// `vacated` is called when the room is closed and the last one left it, perhaps more than once.
    init(vacated: @escaping @Sendable () -> Void) {
        self.vacated = vacated
    }

    /// A mark to give to ``wait(since:)``: how often there were deliveries.
    var mark: Int { state.withLock { $0.deliveries } }

    /// `count` messages are to be sent.
    func add(_ count: Int) throws(KafkaError) {
        let isOpen = state.withLock { state in
            if !state.isClosing { state.unsettled += count }
            return !state.isClosing
        }
        guard isOpen else { throw KafkaError.closed("producer") }
    }

    /// Runs `body`, which uses the handle, if the handle is still there.
    func inside<R>(_ body: () -> R) -> R? {
        let isOpen = state.withLock { state in
            if !state.isClosed { state.inside += 1 }
            return !state.isClosed
        }
        guard isOpen else { return nil }
        defer {
            let isLast = state.withLock { state in
                state.inside -= 1
                return state.isClosed && state.inside == 0
            }
            if isLast { vacated() }
        }
        return body()
    }

    /// Closed, and nobody uses the handle any more.
    var isVacant: Bool { state.withLock { $0.isClosed && $0.inside == 0 } }

    var unsettled: Int { state.withLock { $0.unsettled } }

    /// The fate of `count` messages is known.
    func settled(_ count: Int) {
        let waiting: Deque<Waiter> = state.withLock { state in
            state.unsettled -= count
            guard state.unsettled == 0 else { return [] }
            defer { state.flushing = [] }
            return state.flushing
        }
        for waiter in waiting { waiter.continuation.resume() }
    }

    /// There were deliveries: whoever waits for room tries again, first come first served.
    func delivered() {
        let waiting = state.withLock { state in
            state.deliveries += 1
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.continuation.resume() }
    }

    /// No new messages come in; those that were promised still may.
    func refuse() {
        state.withLock { $0.isClosing = true }
    }

    /// Nothing enters any more; who waits for room learns it.
    func close() {
        let waiting = state.withLock { state in
            state.isClosing = true
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.continuation.resume() }
        vacated()
    }

    /// Waits until there were deliveries since `mark`.
    func wait(since mark: Int) async throws {
        try await wait { state, id, continuation in
            guard state.deliveries == mark, !state.isClosed else { return false }
            state.waiting.append(Waiter(id: id, continuation: continuation))
            return true
        }
    }

    /// Waits until the fate of every message is known.
    func empty() async throws {
        try await wait { state, id, continuation in
            guard state.unsettled > 0 else { return false }
            state.flushing.append(Waiter(id: id, continuation: continuation))
            return true
        }
    }

    private func wait(
        _ enter: @Sendable (inout State, Int, CheckedContinuation<Void, any Error>) -> Bool
    ) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isWaiting = state.withLock { state in
                    !Task.isCancelled && enter(&state, id, continuation)
                }
                if isWaiting { return }
                continuation.resume(with: Task.isCancelled ? .failure(CancellationError()) : .success(()))
            }
        } onCancel: {
            let waiter: Waiter? = state.withLock { state in
                if let index = state.waiting.firstIndex(where: { $0.id == id }) {
                    return state.waiting.remove(at: index)
                }
                if let index = state.flushing.firstIndex(where: { $0.id == id }) {
                    return state.flushing.remove(at: index)
                }
                return nil
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }
}
