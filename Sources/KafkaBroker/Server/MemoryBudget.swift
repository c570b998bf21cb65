import NIOCore
import Synchronization

/// What all connections together hold in memory: requests that are arriving or in work, and answers that are not sent yet.
///
/// Beyond `queued.max.bytes` no connection is read from until there is room again, and fetches get one batch. If that
/// lasts, because peers neither send the rest of their requests nor take their answers, the connection that holds the most
/// and has come to the end of nothing for `queued.max.wait.ms` is closed, so that its neighbours go on.
///
/// Any thread may use it; whoever waits is told on its own event loop.
final class MemoryBudget: Sendable {
    /// What one connection holds. Written by its event loop only.
    final class Account: Sendable {
        fileprivate let held = Atomic(0)
        /// When the last request had arrived whole, or the last answer was sent, in nanoseconds of a steady clock.
        fileprivate let moved = Atomic(NIODeadline.now().uptimeNanoseconds)
        fileprivate let budget: MemoryBudget

        fileprivate init(_ budget: MemoryBudget) { self.budget = budget }

        /// Says how much the connection holds now, and whether a request or an answer has come to its end.
        func hold(_ bytes: Int, hasMoved: Bool) {
            let before = held.exchange(bytes, ordering: .relaxed)
            if hasMoved { moved.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed) }
            if bytes != before { budget.change(by: bytes - before) }
        }
    }

    private struct State {
        var waiting: [ObjectIdentifier: @Sendable () -> Void] = [:]
        var accounts: [ObjectIdentifier: Account] = [:]
    }

    private let live: LiveConfiguration
    private let used = Atomic(0)
    private let limit: Atomic<Int>
    private let state = Mutex(State())

    init(live: LiveConfiguration) {
        self.live = live
        limit = Atomic(live.current.maxQueuedBytes)
        live.onChange { [weak self] changed in
            self?.limit.store(changed.maxQueuedBytes, ordering: .relaxed)
            self?.change(by: 0)
        }
    }

    /// Bytes that are held.
    var bytes: Int { used.load(ordering: .relaxed) }

    /// Bytes that are left; none when more is held than should be.
    var room: Int { max(0, limit.load(ordering: .relaxed) - bytes) }

    var isExhausted: Bool { room == 0 }

    func open(for connection: ObjectIdentifier) -> Account {
        let account = Account(self)
        state.withLock { $0.accounts[connection] = account }
        return account
    }

    func close(for connection: ObjectIdentifier) {
        let account = state.withLock { state in
            state.waiting[connection] = nil
            return state.accounts.removeValue(forKey: connection)
        }
        account?.hold(0, hasMoved: true)
    }

    /// Calls `body` once, on whatever thread, when there is room again; at once if there is.
    func whenRoom(for connection: ObjectIdentifier, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.waiting[connection] = body }
        if !isExhausted { tell() }
    }

    /// While there is no room: the connection that holds the most of those that have come to the end of nothing for
    /// `nanoseconds`.
    func stuck(for nanoseconds: UInt64, now: UInt64 = NIODeadline.now().uptimeNanoseconds) -> ObjectIdentifier? {
        guard isExhausted else { return nil }
        let accounts = state.withLock { $0.accounts }
        return accounts.filter { _, account in
            account.held.load(ordering: .relaxed) > 0
                && now >= account.moved.load(ordering: .relaxed) + nanoseconds
        }.max { $0.value.held.load(ordering: .relaxed) < $1.value.held.load(ordering: .relaxed) }?.key
    }

    private func change(by bytes: Int) {
        let after = used.add(bytes, ordering: .relaxed).newValue
        if bytes <= 0, after < limit.load(ordering: .relaxed) { tell() }
    }

    private func tell() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        for body in waiting.values { body() }
    }
}
