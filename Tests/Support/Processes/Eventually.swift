/// Looks again every few milliseconds until `condition` holds, for states of other processes that announce nothing.
public func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
    try await withDeadline(limit, describe: { "never came true: \(what)" }) {
        while try await !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }
}
