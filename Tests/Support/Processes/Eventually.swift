import Synchronization

/// Looks again every few milliseconds until `look` finds something, for states of other processes that announce nothing.
///
/// - Parameter passes: which errors of `look` count as not found yet; any other ends the wait at once.
/// - Returns: what was found.
/// - Throws: when nothing was found in time, with `what` it was and the last error.
@_disfavoredOverload
@discardableResult
public func eventually<T: Sendable>(
    _ what: @autoclosure @escaping @Sendable () -> String, within limit: Duration = .seconds(60),
    passing passes: @escaping @Sendable (any Error) -> Bool = { _ in false },
    _ look: @escaping @Sendable () async throws -> T?
) async throws -> T {
    let last = Mutex<(any Error)?>(nil)
    return try await withDeadline(
        limit, describe: { "never came true: \(what())" + (last.withLock { $0 }.map { ": \($0)" } ?? "") }
    ) {
        while true {
            do {
                if let found = try await look() { return found }
            } catch  where !(error is CancellationError) && passes(error) {
                last.withLock { $0 = error }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// Looks again every few milliseconds until `condition` holds.
public func eventually(
    _ what: @autoclosure @escaping @Sendable () -> String, within limit: Duration = .seconds(60),
    passing passes: @escaping @Sendable (any Error) -> Bool = { _ in false },
    _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
    try await eventually(what(), within: limit, passing: passes) { try await condition() ? () : nil }
}
