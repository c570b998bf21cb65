import Foundation
import KafkaClient
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// How many events a subscription handles, each with one effect: a row of the handler's, the offset and what is remembered
/// of stamps in one transaction.
struct OutboxHandling {
    let count: Int
    let repeats: Int
    let site: OutboxSite

    func run() async throws {
        print(
            """

            Events handled with one effect each, \(count) in four partitions; thousand events/s.
            bare: the handler's rows inserted, 500 in a transaction, by four tasks, and nothing else.

            """)
        for source in [OutboxSource.table, .sqlite] { try await measure(source) }
    }

    private func measure(_ source: OutboxSource) async throws {
        let topic = "handling-\(UUID().uuidString.prefix(8))"
        try await makeTopic(topic, site.kafka)
        try await produce(topic)
        var (rates, bares): ([Double], [Double]) = ([], [])
        for _ in 0..<repeats {
            rates.append(try await site.withStore(source) { store in try await rate(store, topic) } / 1000)
            bares.append(try await site.withStore(source) { store in try await bare(store) } / 1000)
        }
        try await removeTopic(topic, site.kafka)
        let shares = zip(rates, bares).map { $0 / $1 }
        print(
            "\(source.name.padded(18)) handled \(Spread(rates).text(1))   bare \(Spread(bares).text(1))   "
                + "handled/bare \(Spread(shares).text(2))")
    }

    private func bare<S: BenchStore>(_ store: S) async throws -> Double {
        let (count, size, tasks) = (count, 500, 4)
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    for first in stride(from: task * size, to: count, by: tasks * size) {
                        try await store.transaction { db in
                            for number in first..<min(first + size, count) { try store.insertOrder(number, in: db) }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return Double(count) / (ContinuousClock.now - started).seconds
    }

    private func rate<S: BenchStore>(_ store: S, _ topic: String) async throws -> Double {
        let counting = Counting(at: .handlingCommitted)
        let subscription = Subscription(
            to: [topic], group: "bench-\(UUID().uuidString.prefix(8))", store: store,
            kafka: KafkaConfiguration(site.kafka), probe: counting, logger: site.logger)
        subscription.handle(Placed.self) { event, _, db in try store.insertOrder(event.orderID, in: db) }
        let running = Task { try await subscription.run() }
        // From the first that was handled, since joining a group takes its time.
        await counting.reaches(1)
        let started = ContinuousClock.now
        await counting.reaches(count)
        let rate = Double(count) / (ContinuousClock.now - started).seconds
        running.cancel()
        _ = await running.result
        return rate
    }

    private func produce(_ topic: String) async throws {
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        let running = Task { try await producer.run() }
        for first in stride(from: 0, to: count, by: 2000) {
            let messages = try (first..<min(first + 2000, count)).map { number in
                let record = try EventRecord(
                    Placed(number), id: EventID(), topic: Topic<Placed>(topic), source: "/bench")
                return ProducerMessage(
                    topic: topic, key: record.key, value: record.value,
                    headers: RecordHeaders(record.headers.map { RecordHeader($0.name, $0.value) }))
            }
            if let error = try await producer.send(messages).firstFailure { throw error }
        }
        running.cancel()
        _ = await running.result
    }
}
