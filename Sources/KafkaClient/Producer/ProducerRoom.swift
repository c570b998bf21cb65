import DequeModule
import Synchronization

/// Who uses the producer's handle, how much is under way, and who waits for that to end.
final class ProducerRoom: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var unsettled = 0
        /// How many calls outside the producer's thread use the handle just now.
        var inside = 0
        /// Some messages wait for room in librdkafka's queue; others must not get in before them.
        var isFull = false
        /// New sends are refused.
        var isClosing = false
        /// Nothing enters any more.
        var isClosed = false
        var nextID = 0
        var flushing: Deque<Waiter> = []
    }

    private let state = Mutex(State())
    private let vacated: @Sendable () -> Void

    /// `vacated` is called when the room is closed and the last one left it, perhaps more than once.
    init(vacated: @escaping @Sendable () -> Void) {
        self.vacated = vacated
    }

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

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Closed, and nobody uses the handle any more.
    var isVacant: Bool { state.withLock { $0.isClosed && $0.inside == 0 } }

    var unsettled: Int { state.withLock { $0.unsettled } }

    var isFull: Bool { state.withLock { $0.isFull } }

    func setFull(_ isFull: Bool) {
        state.withLock { $0.isFull = isFull }
    }

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

    /// No new messages come in; those that were promised still may.
    func refuse() {
        state.withLock { $0.isClosing = true }
    }

    /// Nothing enters any more.
    func close() {
        state.withLock { state in
            state.isClosing = true
            state.isClosed = true
        }
        vacated()
    }

    /// Waits until the fate of every message is known.
    func empty() async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.unsettled > 0 else { return .success(()) }
                    state.flushing.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter: Waiter? = state.withLock { state in
                state.flushing.firstIndex { $0.id == id }.map { state.flushing.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }
}
