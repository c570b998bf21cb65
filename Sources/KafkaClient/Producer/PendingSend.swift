import CRDKafka
import Synchronization

/// One `send` under way: a slot for each of its messages, and the task that waits for the last of them.
///
/// A slot's address is its message's opaque, so that a delivery report finds its place without any look-up.
/// `@unchecked Sendable`: each slot is written once, by the thread that learns the message's fate, before it counts down
/// `remaining`; the slots are read only after that has reached zero.
final class PendingSend: @unchecked Sendable {
    struct Slot {
        /// Alive until its last slot is settled.
        let send: Unmanaged<PendingSend>
        var offset: Int64 = -1
        var partition: Int32 = -1
        var error = RD_KAFKA_RESP_ERR_NO_ERROR
    }

    private enum Waiting {
        case notYet
        case task(CheckedContinuation<Void, any Error>)
        case finished
        case cancelled
    }

    let slots: UnsafeMutableBufferPointer<Slot>
    private let remaining: Atomic<Int>
    private let failed = Atomic(false)
    private let waiting = Mutex(Waiting.notYet)
    private let finished: @Sendable (Int) -> Void

    /// Room for `count` messages. It keeps itself alive until the fate of each is known; then it calls `finished`.
    init(count: Int, finished: @escaping @Sendable (Int) -> Void) {
        slots = .allocate(capacity: count)
        remaining = Atomic(count)
        self.finished = finished
        slots.initialize(repeating: Slot(send: Unmanaged.passUnretained(self)))
        if count > 0 { _ = Unmanaged.passRetained(self) }
    }

    deinit {
        slots.deallocate()
    }

    func opaque(_ index: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(slots.baseAddress! + index)
    }

    /// Whether any message failed; asked when the fate of each is known.
    var hasFailures: Bool { failed.load(ordering: .relaxed) }

    /// Nobody waits for it any more.
    var isAbandoned: Bool {
        waiting.withLock { state in if case .cancelled = state { true } else { false } }
    }

    func setFailed() {
        failed.store(true, ordering: .relaxed)
    }

    /// One message was not taken.
    func fail(_ index: Int, with error: rd_kafka_resp_err_t) {
        slots[index].error = error
        setFailed()
        countDown(1)
    }

    /// The messages from `index` on never left: they fail with `error`.
    func fail(from index: Int, with error: rd_kafka_resp_err_t) {
        guard index < slots.count else { return }
        for place in index..<slots.count { slots[place].error = error }
        setFailed()
        countDown(slots.count - index)
    }

    /// The fate of `count` more messages is in their slots.
    func countDown(_ count: Int) {
        guard remaining.subtract(count, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        let waiter: CheckedContinuation<Void, any Error>? = waiting.withLock { state in
            defer { if case .cancelled = state {} else { state = .finished } }
            if case .task(let continuation) = state { return continuation }
            return nil
        }
        waiter?.resume()
        finished(slots.count)
        Unmanaged.passUnretained(self).release()
    }

    /// Returns when the fate of every message is known; throws `CancellationError` as soon as the task is cancelled,
    /// and what is under way goes its way unwatched.
    func wait() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = waiting.withLock { state in
                    switch state {
                    case .finished: return .success(())
                    case .cancelled: return .failure(CancellationError())
                    case .notYet, .task:
                        state = .task(continuation)
                        return nil
                    }
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, any Error>? = waiting.withLock { state in
                switch state {
                case .finished, .cancelled: return nil
                case .notYet:
                    state = .cancelled
                    return nil
                case .task(let continuation):
                    state = .cancelled
                    return continuation
                }
            }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
