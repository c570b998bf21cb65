import Synchronization
import Tidings

/// A sender that keeps what it was given instead of sending it, and fails when told to; for tests without Kafka.
///
/// ```swift
/// let sender = RecordingSender()
/// let publisher = Publisher(store: store, producer: sender, source: "/test")
/// try await publisher.publish(event, id: "a", to: topic, sending: .afterAction) { _ in }
/// #expect(sender.records.map(\.eventID) == ["a"])
/// ```
public final class RecordingSender: RecordSender {
    private struct State {
        var records: [EventRecord] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let answer: @Sendable (EventRecord) async throws -> SendFailure?

    /// - Parameter answer: the failure of a record, nil to accept it; when it throws, the whole call throws.
    public init(_ answer: @escaping @Sendable (EventRecord) async throws -> SendFailure? = { _ in nil }) {
        self.answer = answer
    }

    /// What was accepted, in order.
    public var records: [EventRecord] { state.withLock { $0.records } }

    public func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        var outcomes: [SendOutcome] = []
        for record in records {
            if let failure = try await answer(record) {
                outcomes.append(.failed(failure))
                continue
            }
            let (offset, ready) = state.withLock { state in
                state.records.append(record)
                let ready = state.waiters.filter { $0.count <= state.records.count }.map(\.continuation)
                state.waiters.removeAll { $0.count <= state.records.count }
                return (state.records.count - 1, ready)
            }
            for waiter in ready { waiter.resume() }
            outcomes.append(.sent(partition: 0, offset: Int64(offset)))
        }
        return outcomes
    }

    /// Waits until so many have been accepted.
    public func records(atLeast count: Int) async -> [EventRecord] {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.records.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
        return records
    }
}
