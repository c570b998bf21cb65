import KafkaClient
import Logging
import Processes
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Random histories of a compacted topic, folded by views that crash, beside what a fresh reader folds without any.
@Suite(.serialized, .timeLimit(.minutes(30))) struct ModelViewTests {
    @Test("whatever the history, and wherever it crashed, a view holds what a fresh reader of the topic finds")
    func likeAFreshReader() async throws {
        let first = UInt64.random(in: 0..<1_000_000)
        try await withKafka(configuration: ["log.cleaner.backoff.ms": "5"]) { bootstrap in
            for seed in first..<first + (Programs.proves ? 100 : 4) {
                print("a history of views with seed \(seed)")
                var life = try await HistoryLife(seed: seed, KafkaConfiguration(bootstrap))
                do {
                    for _ in 0..<60 { try await life.step() }
                    try await life.endOpenTransaction()
                    try await life.compare()
                } catch {
                    Issue.record("seed \(seed): \(error)")
                }
                await life.end()
            }
        }
    }
}

private typealias Values = [String: String]

/// One topic's history and the views of it, one step at a time as a seed decides.
private struct HistoryLife {
    let seed: UInt64
    let kafka: KafkaConfiguration
    let topic: String
    private var random: SeededGenerator
    private let producer: Producer
    private let transactions: TransactionalProducer
    private let longOnes: TransactionalProducer
    private var open: (task: Task<Void, any Error>, latch: Latch)?

    private let snapshot = SnapshotBytes()
    private let store = InMemoryStore()
    private var views: Views

    /// The views as they run at the moment.
    private struct Views {
        let inMemory: View<Values>
        let stored: StoredView<InMemoryStore>
        let tasks: [Task<Void, any Error>]
    }

    init(seed: UInt64, _ kafka: KafkaConfiguration) async throws {
        self.seed = seed
        self.kafka = kafka
        random = SeededGenerator(seed: seed)
        topic = uniqueName("history-\(seed)")
        let properties = [
            "cleanup.policy": "compact", "segment.bytes": "4096", "min.cleanable.dirty.ratio": "0",
        ]
        try await Admin(kafka, logger: .silent).createTopics([
            TopicSpecification(
                topic, partitions: Int32.random(in: 1...4, using: &random), configuration: properties)
        ])
        producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        transactions = try TransactionalProducer(.init(kafka, transactionalID: topic + "-short"), logger: .silent)
        longOnes = try TransactionalProducer(.init(kafka, transactionalID: topic + "-long"), logger: .silent)
        try await transactions.start()
        try await longOnes.start()
        views = Self.start(topic, kafka, snapshot, store, version: 1)
    }

    // MARK: Steps

    mutating func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6: try check(await producer.send(records()))
        case 6..<9:
            let records = records()
            try await transactions.transaction { try check(await $0.send(records)) }
        case 9..<11:
            let records = records()
            await #expect(throws: Aborting.self) {
                try await transactions.transaction {
                    try check(await $0.send(records))
                    throw Aborting()
                }
            }
        case 11:
            if open == nil { try await beginLongTransaction() } else { try await endOpenTransaction() }
        case 12..<15: await takeSnapshot()
        case 15..<17: try await crash()
        case 17: views.inMemory.rebuild()
        case 18: try await compare()
        default: try await views.inMemory.ready()
        }
    }

    private struct Aborting: Error {}

    /// Values and tombstones for few keys, so that most of them are soon replaced.
    private mutating func records() -> [ProducerMessage] {
        (0..<Int.random(in: 1...20, using: &random)).map { _ in
            let key = "k\(Int.random(in: 0..<15, using: &random))"
            let isDeletion = Int.random(in: 0..<4, using: &random) == 0
            let value = "\(UInt32.random(in: 0..<1_000_000, using: &random)) of some length, so that segments are full"
            return ProducerMessage(topic: topic, key: Array(key.utf8), value: isDeletion ? nil : Array(value.utf8))
        }
    }

    private mutating func beginLongTransaction() async throws {
        let (records, longOnes) = (records(), longOnes)
        let (latch, isSent) = (Latch(), Latch())
        let commits = Bool.random(using: &random)
        let task = Task {
            defer { isSent.open() }
            try await longOnes.transaction {
                try check(await $0.send(records))
                isSent.open()
                await latch.wait()
                if !commits { throw Aborting() }
            }
        }
        await isSent.wait()
        open = (task, latch)
    }

    mutating func endOpenTransaction() async throws {
        guard let open = open.take() else { return }
        open.latch.open()
        do { try await open.task.value } catch is Aborting {}
    }

    /// A snapshot that is kept, that is lost, or that is torn by a crash in the middle of it.
    private mutating func takeSnapshot() async {
        let before = snapshot.value.withLock { $0 }
        await views.inMemory.takeSnapshot()
        let kind = Int.random(in: 0..<4, using: &random)
        snapshot.value.withLock { bytes in
            if kind == 0 { bytes = before }
            if kind == 1, let whole = bytes {
                bytes = Array(whole.prefix(Int.random(in: 0..<whole.count, using: &random)))
            }
        }
    }

    /// The process is gone: nothing is written any more. Another one begins, perhaps with another version of the fold.
    private mutating func crash() async throws {
        await end()
        let version = Int32.random(in: 1...2, using: &random)
        views = Self.start(topic, kafka, snapshot, store, version: version)
    }

    func end() async {
        open?.latch.open()
        for task in views.tasks { task.cancel() }
        for task in views.tasks { _ = await task.result }
    }

    // MARK: Views

    private static func start(
        _ topic: String, _ kafka: KafkaConfiguration, _ snapshot: SnapshotBytes, _ store: InMemoryStore,
        version: Int32
    ) -> Views {
        let place = SnapshotPlace(description: "a test") { _ in
            snapshot.value.withLock { $0 }
        } replace: { bytes, _, stays in
            snapshot.value.withLock { snapshot in
                if let snapshot, stays(snapshot) { return false }
                snapshot = bytes
                return true
            }
        }
        var snapshots = ViewSnapshots<Values>.json(in: place, version: version)
        snapshots.interval = .seconds(3600)
        let older = snapshots.decode
        var configuration = ViewConfiguration()
        configuration.maximumBatchCount = 7
        let inMemory = View(
            "model", of: [topic], initial: Values(), kafka: kafka, configuration: configuration,
            snapshots: snapshots.answering(from: 3 - version, decode: older), logger: .silent)
        inMemory.foldRecords { values, record in values[key(record)] = value(record) }
        let stored = StoredView(
            "model", version: version, rebuilding: .beside, of: [topic], store: store, kafka: kafka,
            configuration: configuration, logger: .silent
        ) { transaction in
            transaction.rows = transaction.rows.filter { !$0.key.hasPrefix("\(version) ") }
        }
        stored.foldRecords { transaction, record in transaction.rows["\(version) " + key(record)] = value(record) }
        return Views(
            inMemory: inMemory, stored: stored,
            tasks: [Task { try await inMemory.run() }, Task { try await stored.run() }])
    }

    // MARK: Comparing

    /// Both views, as soon as they have come to where a fresh reader ends, hold what that one folded.
    func compare() async throws {
        let (expected, last) = try await readFreshly()
        for place in last {
            _ = try await views.inMemory.read(including: place, within: .seconds(20)) { _ in }
            _ = try await views.stored.read(including: place, within: .seconds(20)) { _ in }
        }
        let held = try await views.inMemory.readWhenReady { $0 }
        #expect(held == expected, "seed \(seed), in memory")
        let prefix = "\(views.stored.version) "
        let rows = try await views.stored.readWhenReady { $0.rows.filter { $0.key.hasPrefix(prefix) } }
        let stored = Dictionary(uniqueKeysWithValues: rows.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
        #expect(stored == expected, "seed \(seed), stored")
    }

    /// A plain fold of what a reader of committed records sees now, and the last record of each partition.
    private func readFreshly() async throws -> (Values, [RecordPlace]) {
        let metadata = try await Admin(kafka, logger: .silent).metadata(topics: [topic])
        let partitions = metadata.topics[0].partitions.map { TopicPartition(topic, $0.id) }
        var reading = ConsumerConfiguration(kafka, groupID: "fresh")
        reading.reportsEnds = true
        let consumer = try Consumer(
            reading, partitions: Dictionary(uniqueKeysWithValues: partitions.map { ($0, .beginning) }),
            logger: .silent)
        let running = Task { try await consumer.run() }
        defer { running.cancel() }
        var values = Values()
        var last: [TopicPartition: RecordPlace] = [:]
        var ahead = Set(partitions)
        for try await batch in consumer.batches {
            for record in batch {
                values[key(record)] = value(record)
                last[batch.partition] = RecordPlace(
                    topic: topic, partition: record.partition, offset: record.offset)
            }
            if batch.reachesEnd { ahead.remove(batch.partition) }
            if ahead.isEmpty { break }
        }
        return (values, Array(last.values))
    }
}

private func key(_ record: ConsumerRecord) -> String { String(decoding: record.key ?? [], as: UTF8.self) }

private func value(_ record: ConsumerRecord) -> String? { record.value.map { String(decoding: $0, as: UTF8.self) } }

private func check(_ reports: DeliveryReports) throws {
    if let error = reports.firstFailure { throw error }
}

/// The snapshot, as a disk would have it.
private final class SnapshotBytes: Sendable {
    let value = Mutex<[UInt8]?>(nil)
}
