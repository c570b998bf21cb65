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
        print(
            """

            From the commit's return until a consumer has the event, at \(rate) orders/s for \(seconds) s.
            bare: the same records sent straight to Kafka, from the call until a consumer has them.

            """)
        try await measure("bare") { topic, times in
            let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
            return Source(services: [Task { try await producer.run() }]) { number in
                let record = try EventRecord(
                    Placed(number), id: EventID("\(number)"), topic: Topic<Placed>(topic), source: "/bench")
                times.committed(number, at: .now)
                if case .failed(let failure)? = try await producer.send([record]).first { throw failure }
            }
        }
        for source in sources {
            try await site.withStore(source) { store in
                try await measure(source.name) { topic, times in try outbox(store, topic, times) }
            }
        }
    }

    /// What brings events into Kafka, and how one is given to it.
    private struct Source {
        var services: [Task<Void, any Error>]
        var give: @Sendable (Int) async throws -> Void
    }

    private func outbox<S: BenchStore>(_ store: S, _ topic: String, _ times: Times) throws -> Source {
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        let relay = OutboxRelay(store: store, producer: producer, logger: site.logger)
        let publisher = Publisher(store: store, source: "/bench")
        return Source(services: [Task { try await producer.run() }, Task { try await relay.run() }]) { number in
            try await publisher.publish(Placed(number), id: EventID("\(number)"), to: Topic(topic)) { db in
                try store.insertOrder(number, in: db)
            }
            times.committed(number, at: .now)
        }
    }

    private func measure(_ name: String, _ start: (String, Times) throws -> Source) async throws {
        let topic = "latency-\(UUID().uuidString.prefix(8))"
        try await makeTopic(topic, site.kafka)
        let count = Int(Double(rate) * seconds)
        let times = Times(count)
        let starts = (0..<4).map { (TopicPartition(topic, Int32($0)), StartOffset.beginning) }
        let consumer = try Consumer(
            KafkaConfiguration(site.kafka), partitions: Dictionary(uniqueKeysWithValues: starts), logger: site.logger)
        let source = try start(topic, times)
        let services = source.services + [Task { try await consumer.run() }]
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
        try await give(count, to: source)
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
    private func give(_ count: Int, to source: Source) async throws {
        let give = source.give
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                try await Task.sleep(until: started + .seconds(Double(number) / Double(rate)), tolerance: .zero)
                group.addTask { try await give(number) }
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
