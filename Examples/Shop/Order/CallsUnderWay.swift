import Synchronization
import Tidings

/// The calls that are publishing at the moment: what is written but not sent, or sent but not written, may still come
/// while its call is under way, and never after.
final class CallsUnderWay: Sendable {
    private struct State {
        var next = 0
        var starts: [Int: Int64] = [:]
    }

    private let state = Mutex(State())

    /// When the oldest of them began, in milliseconds since 1970; nil when there is none.
    var oldest: Int64? { state.withLock { $0.starts.values.min() } }

    /// Counts `call` among them for as long as it takes.
    func during<R>(_ call: () async throws -> R) async rethrows -> R {
        let number = state.withLock { state in
            state.next += 1
            state.starts[state.next] = Timestamp.now().millisecondsSince1970
            return state.next
        }
        defer { state.withLock { $0.starts[number] = nil } }
        return try await call()
    }
}
