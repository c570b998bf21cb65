import Synchronization

extension StorageThreads {
    /// Does `body` for every number below `count`, on as many threads as are free, the caller's among them, and returns
    /// the results in order. Blocks; since the caller works too, it comes to an end even when it has the only thread.
    ///
    /// - Throws: one of the errors thrown, after everything that was begun has ended.
    func inParallel<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        let work = ParallelWork(count: count, body: body)
        for _ in 1..<max(1, min(count, limit)) where !submit(work.help) { break }
        work.help()
        return try work.results()
    }
}

/// Numbered pieces of work that several threads take one by one.
private final class ParallelWork<Value: Sendable>: Sendable {
    private struct State {
        var next = 0
        var results: [Result<Value, any Error>?]
        var left: Int
    }

    private let body: @Sendable (Int) throws -> Value
    private let state: Mutex<State>
    private let done = Latch()

    init(count: Int, body: @escaping @Sendable (Int) throws -> Value) {
        self.body = body
        state = Mutex(State(results: Array(repeating: nil, count: count), left: count))
        if count == 0 { done.open() }
    }

    /// Takes pieces until there are none.
    func help() {
        while let number = take() {
            let result = Result { try body(number) }
            let isLast = state.withLock { state in
                state.results[number] = result
                state.left -= 1
                return state.left == 0
            }
            if isLast { done.open() }
        }
    }

    private func take() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    func results() throws -> [Value] {
        done.wait()
        return try state.withLock { $0.results }.compactMap { try $0?.get() }
    }
}
