import Synchronization

/// What the consumer's thread and the tasks that use the consumer both reach.
final class ConsumerShared: Sendable {
    private struct State {
        var assignment: [TopicPartition] = []
        var failure: (any Error)?
        var isStarted = false
        /// Runs the hooks.
        var hookTask: Task<Void, Never>?
    }

    /// The hooks to be run, for the task that runs them. At most one waits at a time.
    let hookCalls: AsyncStream<HookCall>
    let hooks: AsyncStream<HookCall>.Continuation
    /// Opened when the group has been left.
    let closed = Latch()
    private let state = Mutex(State())
    private let thread: ClientThread<ConsumerOwner>

    init(thread: ClientThread<ConsumerOwner>) {
        self.thread = thread
        (hookCalls, hooks) = AsyncStream.makeStream()
    }

    func post(_ job: @escaping ClientThread<ConsumerOwner>.Job) {
        thread.post(job)
    }

    /// Has a hook run; false if nobody runs hooks.
    func ask(
        _ hook: HookCall.Hook, answer: @escaping @Sendable (Result<[TopicPartition: StartOffset], any Error>) -> Void
    ) -> Bool {
        if case .enqueued = hooks.yield(HookCall(hook: hook, answer: answer)) { true } else { false }
    }

    /// Remembers who runs the hooks.
    func setHookTask(_ task: Task<Void, Never>) {
        state.withLock { $0.hookTask = task }
    }

    /// No hook is run any more, and the one that runs is cancelled.
    func abandonHooks() {
        hooks.finish()
        state.withLock { $0.hookTask }?.cancel()
    }

    var assignment: [TopicPartition] { state.withLock { $0.assignment } }

    func setAssignment(_ partitions: [TopicPartition]) {
        state.withLock { $0.assignment = partitions.sorted() }
    }

    /// The first error that ended the consumer.
    var failure: (any Error)? { state.withLock { $0.failure } }

    func fail(_ error: any Error) {
        state.withLock { state in
            if state.failure == nil { state.failure = error }
        }
    }

    /// True once.
    func start() -> Bool {
        state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
    }
}
