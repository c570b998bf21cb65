import Foundation
import KafkaClient
import Logging
import Synchronization
import Tidings
import TidingsPostgres
import TidingsSQLite

/// From the return of the commit until a consumer has the event, at a steady rate of orders.
struct OutboxLatency {
    let sources: [OutboxSource]
    let rate: Int
    let seconds: Double
    let site: OutboxSite

    func run() async throws {
        print("\nFrom the commit's return until a consumer has the event, at \(rate) orders/s for \(seconds) s.\n")
        for source in sources {
            try await site.withStore(source) { store in try await measure(source.name, store) }
        }
    }

    private func measure<S: BenchStore>(_ name: String, _ store: S) async throws {
        let topic = "latency-\(UUID().uuidString.prefix(8))"
        try await makeTopic(topic, site.kafka)
        let count = Int(Double(rate) * seconds)
        let times = Times(count)
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        let relay = OutboxRelay(store: store, producer: producer, logger: site.logger)
        let starts = (0..<4).map { (TopicPartition(topic, Int32($0)), StartOffset.beginning) }
        let consumer = try Consumer(
            KafkaConfiguration(site.kafka), partitions: Dictionary(uniqueKeysWithValues: starts), logger: site.logger)
        let services = [
            Task { try await producer.run() }, Task { try await relay.run() }, Task { try await consumer.run() },
        ]
        let reading = Task {
            var seen = 0
            for try await batch in consumer.batches {
                let now = ContinuousClock.now
                for record in batch {
                    let id = record.headers.first { $0.name == "ce_id" }?.value.map {
                        String(decoding: $0, as: UTF8.self)
                    }
                    if let number = id.flatMap({ Int($0) }) { times.seen(number, at: now) }
                }
                seen += batch.count
                if seen >= count { break }
            }
        }
        try await commit(count, store, topic, times)
        try await reading.value
        for task in services {
            task.cancel()
            _ = await task.result
        }
        try await removeTopic(topic, site.kafka)
        // The first second warms up.
        let spread = Spread(Array(times.delays.dropFirst(rate)))
        print(
            "\(name.padded(18)) median \(Int(spread.median)) µs, p95 \(Int(spread.quantile(0.95))) µs, "
                + "p99 \(Int(spread.quantile(0.99))) µs (\(times.delays.count - rate) events)")
    }

    /// Orders come at their times, whether or not the one before is done.
    private func commit<S: BenchStore>(_ count: Int, _ store: S, _ topic: String, _ times: Times) async throws {
        let publisher = Publisher(store: store, source: "/bench")
        let topic = Topic<Placed>(topic)
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                try await Task.sleep(until: started + .seconds(Double(number) / Double(rate)), tolerance: .zero)
                group.addTask {
                    try await publisher.publish(Placed(number), id: EventID("\(number)"), to: topic) { db in
                        try store.insertOrder(number, in: db)
                    }
                    times.committed(number, at: .now)
                }
            }
            try await group.waitForAll()
        }
    }

    private final class Times: Sendable {
        private let state: Mutex<[(committed: ContinuousClock.Instant?, seen: ContinuousClock.Instant?)]>

        init(_ count: Int) { state = Mutex(Array(repeating: (nil, nil), count: count)) }

        func committed(_ number: Int, at time: ContinuousClock.Instant) {
            state.withLock { $0[number].committed = time }
        }
        func seen(_ number: Int, at time: ContinuousClock.Instant) {
            state.withLock { $0[number].seen = $0[number].seen ?? time }
        }

        /// In microseconds; what was seen before the commit had returned took no time.
        var delays: [Double] {
            state.withLock { times in
                times.compactMap { time -> Double? in
                    guard let committed = time.committed, let seen = time.seen else { return nil }
                    return max(0, (seen - committed).seconds * 1e6)
                }
            }
        }
    }
}
