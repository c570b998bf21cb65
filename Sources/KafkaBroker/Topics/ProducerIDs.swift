import DequeModule
import KafkaProtocol
import NIOCore
import Synchronization

/// Hands out producer ids that never repeat, not even after a crash: a block is reserved on disk before the first id of
/// it is given away, and what a crash leaves of a block is never used.
///
/// Nobody waits for the disk but those whose ids are not reserved yet: they stand in line while a storage thread reserves
/// the next block.
final class ProducerIDs: Sendable {
    static let blockSize: Int64 = 1000

    private struct State {
        var next: Int64 = 0
        var end: Int64 = 0
        var waiting: Deque<EventLoopPromise<Int64>> = []
        var isReserving = false

        mutating func take() -> Int64? {
            guard next < end else { return nil }
            defer { next += 1 }
            return next
        }
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
        let promise = eventLoop.makePromise(of: Int64.self)
        let (id, mustReserve) = state.withLock { state -> (Int64?, Bool) in
            if let id = state.take() { return (id, false) }
            state.waiting.append(promise)
            defer { state.isReserving = true }
            return (nil, !state.isReserving)
        }
        if let id { promise.succeed(id) }
        if mustReserve, !threads.submit(reserve) { fail(ErrorCode.coordinatorNotAvailable) }
        return promise.futureResult
    }

    /// Reserves blocks until nobody waits. Blocks, on a storage thread, and holds no lock while it does.
    private func reserve() {
        do {
            while true {
                let start = try metadata.update { image in
                    defer { image.nextProducerID += Self.blockSize }
                    return image.nextProducerID
                }
                let (served, isDone) = state.withLock { state in
                    state.next = start
                    state.end = start + Self.blockSize
                    var served: [(EventLoopPromise<Int64>, Int64)] = []
                    while let promise = state.waiting.first, let id = state.take() {
                        state.waiting.removeFirst()
                        served.append((promise, id))
                    }
                    state.isReserving = !state.waiting.isEmpty
                    return (served, state.waiting.isEmpty)
                }
                for (promise, id) in served { promise.succeed(id) }
                if isDone { return }
            }
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: any Error) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            state.isReserving = false
            return state.waiting
        }
        for promise in waiting { promise.fail(error) }
    }
}
