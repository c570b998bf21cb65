import ArgumentParser
import Foundation
import KafkaClient
import Logging
import Synchronization
import Tidings
import TidingsPostgres
import TidingsSQLite

/// How fast a relay empties an outbox, beside how fast the database gives it and Kafka takes it.
struct OutboxDrain {
    let sources: [OutboxSource]
    let count: Int
    let perTransaction: Int
    let batch: Int
    let repeats: Int
    let site: OutboxSite

    func run() async throws {
        print(
            """
            An outbox of \(count) events, \(perTransaction) in a transaction, one relay, Kafka's acknowledgements after the disk; thousand events/s.
            read: the database's outbox read and removed, nothing else; produce: the same records sent, nothing else.

            """)
        for source in sources {
            var (relays, reads, produces, shares): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
            for repetition in 0...repeats {
                let read = try await read(source)
                let topic = "drain-\(UUID().uuidString.prefix(8))"
                try await makeTopic(topic, site.kafka)
                let produce = try await produce(topic)
                let relay = try await relay(source, topic)
                try await removeTopic(topic, site.kafka)
                if repetition == 0 { continue }
                relays.append(relay / 1000)
                reads.append(read / 1000)
                produces.append(produce / 1000)
                shares.append(relay / min(read, produce))
            }
            print(
                "\(source.name.padded(18)) relay \(Spread(relays).text(0))   read \(Spread(reads).text(0))   "
                    + "produce \(Spread(produces).text(0))   relay/slower of both \(Spread(shares).text(2))")
        }
    }

    /// Appends the events, so many in a transaction.
    private func fill<S: BenchStore>(_ store: S, _ topic: String) async throws {
        let publisher = Publisher(store: store, source: "/bench")
        let (count, size, topic) = (count, perTransaction, Topic<Placed>(topic))
        for first in stride(from: 0, to: count, by: size) {
            try await store.transaction { db in
                for number in first..<min(first + size, count) {
                    try publisher.append(Placed(number), to: topic, in: db)
                }
            }
        }
    }

    private func relay(_ source: OutboxSource, _ topic: String) async throws -> Double {
        try await site.withStore(source) { store in try await relay(store, topic) }
    }

    /// Fills the outbox and has a relay empty it; events a second.
    func relay<S: BenchStore>(_ store: S, _ topic: String) async throws -> Double {
        try await fill(store, topic)
        let counting = Counting(at: .relayMarked)
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        var configuration = OutboxRelayConfiguration()
        configuration.maximumBatchCount = batch
        let relay = OutboxRelay(
            store: store, producer: producer, configuration: configuration, probe: counting, logger: site.logger)
        let running = Task { try await producer.run() }
        let started = ContinuousClock.now
        let relaying = Task { try await relay.run() }
        await counting.reaches(count)
        let rate = Double(count) / (ContinuousClock.now - started).seconds
        for task in [running, relaying] {
            task.cancel()
            _ = await task.result
        }
        return rate
    }

    private func read(_ source: OutboxSource) async throws -> Double {
        try await site.withStore(source) { store in
            try await fill(store, "read")
            if source == .log { return try await readLog(store) }
            let started = ContinuousClock.now
            let found = try await store.drainBare()
            guard found == count else { throw ValidationError("\(found) of \(count) were read") }
            return Double(count) / (ContinuousClock.now - started).seconds
        }
    }

    /// With the server's own client, in C, which throws away what it reads.
    private func readLog(_ store: any BenchStore) async throws -> Double {
        // Only a server of the benchmark's own is known well enough.
        guard let store = store as? PostgresStore, let programs = postgresPrograms,
            let host = site.postgres.split(separator: "host=").last.map(String.init), host.hasPrefix("/")
        else { return .infinity }
        let (slot, end, database): (String, String, String) = try await store.pool.transaction { db in
            let row = try db.query(
                "select slot, pg_current_wal_lsn()::text, current_database()::text from tidings_outbox_log")[0]
            return (try row[0], try row[1], try row[2])
        }
        // Something must come after the end, so that the client notices that it is there.
        try await store.pool.transaction { db in try store.insertOrder(0, in: db) }
        let started = ContinuousClock.now
        let process = try shell(
            """
            exec \(programs)/pg_recvlogical -h '\(host)' -U tidings -d \(database) --slot \(slot) --start \
            --endpos=\(end) -f /dev/null -o proto_version=1 -o publication_names=\(slot) -o messages=true --no-loop
            """)
        process.waitUntilExit()
        return Double(count) / (ContinuousClock.now - started).seconds
    }

    /// The same records, in batches as a relay's, several of them under way.
    private func produce(_ topic: String) async throws -> Double {
        let producer = try Producer(.relay(KafkaConfiguration(site.kafka)), logger: site.logger)
        let running = Task { try await producer.run() }
        let records = try (0..<2000).map { number in
            let record = try EventRecord(
                Placed(number), id: EventID(), topic: Topic<Placed>(topic), source: "/bench", headers: [])
            let headers =
                record.headers.map { RecordHeader($0.name, $0.value) }
                + [RecordHeader("tidings-stamp", Array("0123456789abcdef0123456789abcdef/0/4294967296/1000".utf8))]
            return ProducerMessage(
                topic: topic, key: record.key, value: record.value, headers: RecordHeaders(headers))
        }
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count / records.count {
                if number >= 4 { try await group.next() }
                group.addTask {
                    if let error = try await producer.send(records).firstFailure { throw error }
                }
            }
            try await group.waitForAll()
        }
        let rate = Double(count) / (ContinuousClock.now - started).seconds
        running.cancel()
        _ = await running.result
        return rate
    }
}

/// Counts the events that have come to a step.
final class Counting: Probe {
    private let state = Mutex<(count: Int, waiter: (count: Int, continuation: CheckedContinuation<Void, Never>)?)>(
        (0, nil))
    private let point: Step.Point

    init(at point: Step.Point) { self.point = point }

    func reached(_ step: Step) {
        guard step.point == point else { return }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.count += step.events.count
            guard let waiter = state.waiter, state.count >= waiter.count else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }

    /// Waits until so many have come; one at a time may wait.
    func reaches(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.count < count { state.waiter = (count, continuation) }
                return state.count >= count
            }
            if isThere { continuation.resume() }
        }
    }
}
