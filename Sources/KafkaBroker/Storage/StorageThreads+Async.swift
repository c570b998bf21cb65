import NIOCore

extension StorageThreads {
    /// Runs blocking work on a storage thread and suspends until it is done.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let isAccepted = submit { continuation.resume(with: Result { try body() }) }
            if !isAccepted { continuation.resume(throwing: CancellationError()) }
        }
    }

    /// Runs blocking work on a storage thread; the answer arrives on `eventLoop`.
    func run<Value: Sendable>(
        on eventLoop: any EventLoop, _ body: @escaping @Sendable () throws -> Value
    ) -> EventLoopFuture<Value> {
        let promise = eventLoop.makePromise(of: Value.self)
        let isAccepted = submit { promise.completeWith(Result { try body() }) }
        if !isAccepted { promise.fail(CancellationError()) }
        return promise.futureResult
    }

    /// Takes no more work, and suspends until what was submitted is done.
    func stop() async {
        await withCheckedContinuation { continuation in
            stop { continuation.resume() }
        }
    }
}
