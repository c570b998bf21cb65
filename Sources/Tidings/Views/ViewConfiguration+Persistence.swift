import ServiceLifecycle

extension ViewConfiguration {
    /// Tries again, at the pace of ``backoff``, for as long as what goes wrong is said to pass by itself.
    ///
    /// - Throws: what does not pass; `CancellationError`, at graceful shutdown too.
    func persistently<R: Sendable>(
        _ clock: any Clock<Duration>, while passes: (any Error) -> Bool, _ body: () async throws -> R
    ) async throws -> R {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch  where passes(error) {
                failures += 1
                await clock.rest(for: backoff.delay(after: failures))
                try Task.checkCancellation()
                if Task.isShuttingDownGracefully { throw CancellationError() }
            }
        }
    }
}
