import Logging

extension OutboxRelay {
    /// Hears of commits of other processes, as long as it is possible; while it is not, the slow poll has to do.
    func listen() async throws {
        var failures = 0
        while true {
            do {
                try await store.listenForAppends()
                failures = 0
            } catch  where !Task.isCancelled {
                logger.warning(
                    "the relay does not hear of other processes' commits for now", metadata: ["error": "\(error)"])
            }
            try Task.checkCancellation()
            failures += 1
            await clock.rest(for: configuration.backoff.delay(after: failures))
            try Task.checkCancellation()
        }
    }

    /// Looks after the outbox as a whole, beside the sending: metrics, alarms, and what was kept for long enough.
    func lookAfter() async throws {
        while true {
            try await clock.sleep(for: configuration.leaseDuration / 3)
            metrics.age()
            watchKafka()
            guard watch.hasFirstShard else { continue }
            do {
                try await watchOutbox()
                try await cleanUp()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // Whether the database is away is for those to say who cannot do without it.
                logger.debug("could not look how the outbox stands", metadata: ["error": "\(error)"])
            }
        }
    }

    private func watchKafka() {
        let sending = watch.sending
        let refusal = sending?.refusal.map { ": \($0)" } ?? " (it is away, or a topic is missing)"
        alarm(
            .kafkaAway, age: sending.map { elapsed() - $0.since } ?? .zero, limit: configuration.alarms.kafkaAwayAge,
            "Kafka does not take what is sent\(refusal); events wait in the outbox, and actions go on")
    }

    private func watchOutbox() async throws {
        let store = store
        let (status, holdUps) = try await store.transaction { transaction in
            (try store.outboxStatus(in: transaction), try store.holdUps(in: transaction))
        }
        metrics.watched(status, holdUps)
        alarm(
            .unsent, age: status.oldestPending.map { Timestamp.now().since($0) } ?? .zero,
            limit: configuration.alarms.unsentAge, "events wait for long; \(status.pending) in the outbox")
        alarm(
            .holdUp, age: holdUps.first?.age ?? .zero, limit: configuration.alarms.holdUpAge,
            "a transaction holds things up: \(holdUps.first?.description ?? "none")")
        if let retained = status.retainedBytes,
            let isRaised = watch.judge(
                .retainedLog, Double(retained), limit: Double(configuration.alarms.retainedBytes))
        {
            raise(
                OutboxAlarm(
                    .retainedLog, isRaised: isRaised, age: .zero,
                    message: isRaised ? "the database keeps \(retained) bytes of log for the outbox" : "over"))
        }
    }

    private func alarm(_ kind: OutboxAlarm.Kind, age: Duration, limit: Duration, _ message: @autoclosure () -> String) {
        guard let isRaised = watch.judge(kind, age: age, limit: limit) else { return }
        raise(OutboxAlarm(kind, isRaised: isRaised, age: age, message: isRaised ? message() : "over"))
    }

    private func raise(_ alarm: OutboxAlarm) {
        metrics.alarm(alarm)
        logger.log(
            level: alarm.isRaised ? (alarm.kind == .holdUp ? .warning : .error) : .notice,
            alarm.isRaised ? "\(alarm.message)" : "an alarm is over",
            metadata: ["alarm": "\(alarm.kind)", "age": "\(alarm.age)"])
        configuration.alarms.onChange?(alarm)
    }

    /// Removes what was kept for long enough; some at a time, so that nobody waits for it.
    private func cleanUp() async throws {
        guard let keepSent = configuration.keepSent else { return }
        let (store, limit) = (store, 5_000)
        let before = Timestamp.now().advanced(by: .zero - keepSent)
        while try await store.transaction({ try store.removeSent(before: before, limit: limit, in: $0) }) == limit {
            try Task.checkCancellation()
        }
    }
}
