import ServiceLifecycle

extension Clock where Duration == Swift.Duration {
    /// Waits for a while; returns early when the signal is raised or the latch opens, at graceful shutdown and when
    /// cancelled.
    func rest(for duration: Duration, orUntil signal: OutboxSignal? = nil, or latch: Latch? = nil) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await self.sleep(for: duration) }
            group.addTask { try? await gracefulShutdown() }
            if let signal { group.addTask { await signal.wait() } }
            if let latch { group.addTask { await latch.wait() } }
            await group.next()
            group.cancelAll()
        }
    }
}
