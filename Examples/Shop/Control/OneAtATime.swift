import HTTPTypes
import Synchronization

/// Keeps what must not meet itself from being done twice at the same time.
final class OneAtATime: Sendable {
    private let busy = Mutex(false)

    /// Does it, unless it is being done.
    ///
    /// - Throws: a ``Refusal`` with that reason, if it is being done; what `body` throws.
    func callAsFunction<R>(
        orRefuse reason: String, _ body: () async throws -> R
    ) async throws -> R {
        let isFree = busy.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard isFree else { throw Refusal(.conflict, reason) }
        defer { busy.withLock { $0 = false } }
        return try await body()
    }
}
