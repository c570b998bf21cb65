import Foundation
import KafkaClient
import Tidings
import TidingsPostgres
import TidingsSQLite

/// Whether a relay stays as fast as it was with many events behind it, and while a transaction that is older than all of them is
/// open: the database may clean up nothing that was sent then.
struct OutboxBehind {
    let sources: [OutboxSource]
    /// How many events go through the outbox.
    let count: Int
    /// How many of them wait when a relay begins.
    let backlog: Int
    let keepsSnapshot: Bool
    let site: OutboxSite

    func run() async throws {
        print(
            """

            \(count) events through an outbox, \(backlog) at a time, \(keepsSnapshot ? "with a snapshot from before them open" : "without an old snapshot"); \
            the relay, thousand events/s, and a single event, from its commit until it is marked.

            """)
        for source in sources {
            try await site.withStore(source) { store in try await measure(source, store) }
        }
    }

    private func measure<S: BenchStore>(_ source: OutboxSource, _ store: S) async throws {
        let drain = OutboxDrain(
            sources: [source], count: backlog, perTransaction: 200,
            batch: OutboxRelayConfiguration().maximumBatchCount, repeats: 1, site: site)
        let before = try await singles(store)
        let snapshot = keepsSnapshot ? try await store.openSnapshot() : nil
        var rates: [Double] = []
        let rounds = max(1, count / backlog)
        for round in 0..<rounds {
            let topic = "behind-\(UUID().uuidString.prefix(8))"
            try await makeTopic(topic, site.kafka)
            rates.append(try await drain.relay(store, topic) / 1000)
            try await removeTopic(topic, site.kafka)
            if isatty(STDERR_FILENO) == 1 {
                FileHandle.standardError.write(Data("\r\(source.name): \(round + 1) of \(rounds) ".utf8))
            }
        }
        let after = try await singles(store)
        snapshot?.close()
        let share = max(1, rounds / 5)
        print(
            "\(source.name.padded(18)) first fifth \(Spread(Array(rates.prefix(share))).text(0))   "
                + "last fifth \(Spread(Array(rates.suffix(share))).text(0))   "
                + "one event before \(Int(before.median)) µs, p99 \(Int(before.quantile(0.99))) µs, "
                + "after \(Int(after.median)) µs, p99 \(Int(after.quantile(0.99))) µs")
    }

    /// One event after the other.
    private func singles<S: BenchStore>(_ store: S) async throws -> Spread {
        let topic = "single-\(UUID().uuidString.prefix(8))"
        try await makeTopic(topic, site.kafka)
        let publisher = Publisher(store: store, source: "/bench")
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        let marked = Counting(at: .relayMarked)
        let relay = OutboxRelay(store: store, producer: producer, probe: marked, logger: site.logger)
        let services = [Task { try await producer.run() }, Task { try await relay.run() }]
        var delays: [Double] = []
        for number in 0..<600 {
            try await publisher.publish(Placed(number), to: Topic(topic)) { _ in }
            let committed = ContinuousClock.now
            await marked.reaches(number + 1)
            delays.append((ContinuousClock.now - committed).seconds * 1_000_000)
        }
        for task in services {
            task.cancel()
            _ = await task.result
        }
        try await removeTopic(topic, site.kafka)
        // The first hundred warm up.
        return Spread(Array(delays.dropFirst(100)))
    }
}
