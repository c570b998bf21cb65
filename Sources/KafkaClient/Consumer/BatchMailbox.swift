import DequeModule
import Synchronization

/// Where the consumer's thread leaves batches and its reader takes them: bounded, and knowing what the reader has in
/// hand. Asking for the next batch says that the one before is done with.
final class BatchMailbox: Sendable {
    private enum Ending {
        case open
        case finished
        case failed(any Error)
    }

    private struct State {
        var ready: Deque<ConsumerBatch> = []
        var reader: CheckedContinuation<ConsumerBatch?, any Error>?
        var inHand: TopicPartition?
        var positions: [TopicPartition: Int64] = [:]
        var ending = Ending.open

        mutating func handOut(_ batch: ConsumerBatch) {
            inHand = batch.partition
            positions[batch.partition] = batch.nextOffset
        }
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let wakeThread: @Sendable () -> Void

    init(capacity: Int, wakeThread: @escaping @Sendable () -> Void) {
        self.capacity = max(1, capacity)
        self.wakeThread = wakeThread
    }

    // MARK: The reader's side

    /// The next batch; nil when the consumer is closed.
    func next() async throws -> ConsumerBatch? {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, wake) = state.withLock { state in enter(&state, continuation) }
                if wake { wakeThread() }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let reader = state.withLock { $0.reader.take() }
            reader?.resume(throwing: CancellationError())
        }
    }

    private func enter(
        _ state: inout State, _ continuation: CheckedContinuation<ConsumerBatch?, any Error>
    ) -> (Result<ConsumerBatch?, any Error>?, wake: Bool) {
        if state.reader != nil {
            return (.failure(KafkaError(.wrongState, "the batches have one reader at a time")), false)
        }
        let returned = state.inHand != nil
        state.inHand = nil
        switch state.ending {
        case .finished: return (.success(nil), returned)
        case .failed(let error) where state.ready.isEmpty: return (.failure(error), returned)
        case .open, .failed: break
        }
        if Task.isCancelled { return (.failure(CancellationError()), returned) }
        if let batch = state.ready.popFirst() {
            state.handOut(batch)
            // A batch given back is a sign of life, which the thread must see even when there is much ready.
            return (.success(batch), returned || state.ready.count <= capacity / 2)
        }
        state.reader = continuation
        return (nil, true)
    }

    /// The reader is done with what it had and will not come back.
    func leave() {
        state.withLock { $0.inHand = nil }
        wakeThread()
    }

    /// Where the reader goes on in each partition it has had batches of.
    var positions: [TopicPartition: Int64] { state.withLock { $0.positions } }

    // MARK: The thread's side

    var hasRoom: Bool {
        state.withLock { state in
            guard case .open = state.ending else { return false }
            return state.ready.count < capacity
        }
    }

    var hasReader: Bool { state.withLock { $0.reader != nil } }

    /// Whether the reader has a batch of these partitions, or gets one yet although no more come.
    func isInHand(anyOf partitions: Set<TopicPartition>) -> Bool {
        state.withLock { state in
            if let inHand = state.inHand, partitions.contains(inHand) { return true }
            guard case .failed = state.ending else { return false }
            return state.ready.contains { partitions.contains($0.partition) }
        }
    }

    func put(_ batch: ConsumerBatch) {
        let reader = state.withLock { state in
            guard let reader = state.reader.take() else {
                state.ready.append(batch)
                return nil as CheckedContinuation<ConsumerBatch?, any Error>?
            }
            state.handOut(batch)
            return reader
        }
        reader?.resume(returning: batch)
    }

    /// Takes back what was not handed out of a partition, in order; nothing of what comes before an error.
    func takeBack(_ partition: TopicPartition) -> [ConsumerBatch] {
        state.withLock { state in
            guard case .open = state.ending else { return [] }
            let back = state.ready.filter { $0.partition == partition }
            if !back.isEmpty { state.ready.removeAll { $0.partition == partition } }
            return Array(back)
        }
    }

    func setPosition(_ offset: Int64?, of partition: TopicPartition) {
        state.withLock { $0.positions[partition] = offset }
    }

    /// No more batches: the reader gets the error, or the end; before that what is ready if `keepingReady`.
    func end(_ error: (any Error)?, keepingReady: Bool = false) {
        let (reader, dropped): (CheckedContinuation<ConsumerBatch?, any Error>?, Deque<ConsumerBatch>) =
            state.withLock { state in
                guard case .open = state.ending else { return (nil, []) }
                state.ending = error.map(Ending.failed) ?? .finished
                defer { if !keepingReady { state.ready = [] } }
                return (state.reader.take(), keepingReady ? [] : state.ready)
            }
        _ = dropped  // freed outside the lock
        if let error { reader?.resume(throwing: error) } else { reader?.resume(returning: nil) }
    }

    /// The reader gets nothing more of what is ready.
    func dropReady() {
        let dropped = state.withLock { state in
            defer { state.ready = [] }
            return state.ready
        }
        _ = dropped  // freed outside the lock
    }
}
