/// Looks again every few milliseconds until `look` finds something, for states of other processes that announce nothing.
/// An error counts as not found yet.
///
/// - Returns: what was found.
/// - Throws: when nothing was found in time, with `what` it was and the last error.
@_disfavoredOverload
@discardableResult
public func eventually<T: Sendable>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ look: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + limit
    var last: (any Error)?
    repeat {
        do {
            if let found = try await look() { return found }
        } catch {
            last = error
        }
        try await Task.sleep(for: .milliseconds(10))
    } while .now < deadline
    let reason = last.map { ": \($0)" } ?? ""
    throw ChildProcess.Failure(description: "never came true within \(limit): \(what())\(reason)")
}

/// Looks again every few milliseconds until `condition` holds.
public func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    try await eventually(what(), within: limit) { try await condition() ? () : nil }
}
