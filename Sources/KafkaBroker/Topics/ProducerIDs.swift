import KafkaProtocol
import NIOCore
import Synchronization

/// Hands out producer ids that never repeat, not even after a crash: a block is reserved on disk before the first id of
/// it is given away, and what a crash leaves of a block is never used.
final class ProducerIDs: Sendable {
    static let blockSize: Int64 = 1000

    private struct State {
        var next: Int64 = 0
        var end: Int64 = 0
    }

    private let metadata: MetadataStore
    private let threads: StorageThreads
    private let state = Mutex(State())

    init(metadata: MetadataStore, threads: StorageThreads) {
        self.metadata = metadata
        self.threads = threads
    }

    /// The next id, at once from the block in hand or after reserving another.
    func next(on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
        if let id = takeFromBlock() { return eventLoop.makeSucceededFuture(id) }
        let promise = eventLoop.makePromise(of: Int64.self)
        let isAccepted = threads.submit {
            promise.completeWith(Result { try self.reserve() })
        }
        if !isAccepted { promise.fail(ErrorCode.coordinatorNotAvailable) }
        return promise.futureResult
    }

    private func takeFromBlock() -> Int64? {
        state.withLock { state in
            guard state.next < state.end else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    /// Reserves a block unless another thread just did. Blocks.
    private func reserve() throws -> Int64 {
        try state.withLock { state in
            if state.next == state.end {
                state.next = try metadata.update { image in
                    defer { image.nextProducerID += Self.blockSize }
                    return image.nextProducerID
                }
                state.end = state.next + Self.blockSize
            }
            defer { state.next += 1 }
            return state.next
        }
    }
}
