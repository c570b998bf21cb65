import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import TidingsTesting

@testable import Tidings

private struct CustomerChanged: Event {
    static let eventType = "shop.customer.changed"
    var id: String
    var city: String
    var key: String { id }
}

private struct Count: Sendable {
    var records = 0
}

/// Views over a real broker.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ViewTests {
    private typealias Cities = [String: String]
    private let topic = Topic<CustomerChanged>(uniqueName("customer"))

    private func cities(
        _ kafka: KafkaConfiguration, snapshots: ViewSnapshots<Cities>? = nil,
        configure: (inout ViewConfiguration) -> Void = { _ in }
    ) -> View<Cities> {
        var configuration = ViewConfiguration()
        configure(&configuration)
        let view = View(
            "cities", of: [topic.name], initial: Cities(), kafka: kafka, configuration: configuration,
            snapshots: snapshots, logger: .silent)
        view.fold(CustomerChanged.self) { cities, event, _ in cities[event.id] = event.city }
        view.foldDeletion { cities, delivery in cities[delivery.keyText ?? ""] = nil }
        return view
    }

    private func running<R: Sendable>(_ view: View<some Any>, _ body: () async throws -> R) async throws -> R {
        let group = ServiceGroup(services: [view], logger: .silent)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: R
            do {
                result = try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
    }

    /// - Returns: where the last one went.
    @discardableResult
    private func publish(
        _ changes: [(id: String, city: String?)], to kafka: KafkaConfiguration, stamps: [EventStamp] = []
    ) async throws -> RecordPlace? {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        var place: RecordPlace?
        for (index, change) in changes.enumerated() {
            let record =
                try change.city.map {
                    try EventRecord(
                        CustomerChanged(id: change.id, city: $0), id: EventID(), topic: topic, source: "/test")
                } ?? EventRecord(deletionOf: change.id, id: EventID(), topic: topic, source: "/test")
            let report = try await producer.send(
                ProducerMessage(
                    topic: record.topic, key: record.key, value: record.value,
                    headers: RecordHeaders(
                        (record.headers + stamps.dropFirst(index).prefix(1).map(\.header))
                            .map { RecordHeader($0.name, $0.value) })))
            place = RecordPlace(topic: topic.name, partition: report.partition, offset: report.offset)
        }
        return place
    }

    @Test("it holds all that was there when it started, then stays live; a tombstone takes its key away")
    func followsHistory() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 5)
            try await publish([("ada", "London"), ("alan", "Manchester"), ("grace", "New York")], to: kafka)
            try await publish([("ada", "Paris"), ("alan", nil)], to: kafka)
            let view = cities(kafka)
            #expect(throws: TidingsError.self) { try view.read { $0.count } }
            try await running(view) {
                #expect(try await view.readWhenReady { $0 } == ["ada": "Paris", "grace": "New York"])
                #expect(view.progress.isReady && view.progress.remaining == 0 && view.progress.records == 5)
                let place = try #require(try await publish([("grace", nil), ("kurt", "Princeton")], to: kafka))
                #expect(try await view.read(including: place) { $0["kurt"] } == "Princeton")
            }
            let error = await #expect(throws: TidingsError.self) {
                try await view.read(including: RecordPlace(topic: topic.name, partition: 0, offset: 99)) { _ in }
            }
            #expect(error?.code == .viewStopped)
        }
    }

    @Test("what a relay sends twice is folded once, also by a view that is rebuilt")
    func duplicates() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let view = View("all", of: [topic.name], initial: [String](), kafka: kafka, logger: .silent)
            view.fold(CustomerChanged.self) { cities, event, _ in cities.append(event.city) }
            let stamps = [0, 1, 0, 1].map {
                EventStamp(source: StampSource(outbox: "o", shard: 0), batch: 7, index: Int32($0))
            }
            let changes = ["Ulm", "Bonn", "Ulm", "Bonn"].map { (id: "c", city: Optional($0)) }
            let last = try #require(try await publish(changes, to: kafka, stamps: stamps))
            try await running(view) {
                #expect(try await view.read(including: last) { $0 } == ["Ulm", "Bonn"])
                view.rebuild()
                _ = try await publish([(id: "c", city: "Kiel")], to: kafka)
                let end = try #require(try await publish([(id: "c", city: "Jena")], to: kafka))
                #expect(try await view.read(including: end) { $0 } == ["Ulm", "Bonn", "Kiel", "Jena"])
            }
        }
    }

    @Test("a topic that is not there yet is waited for, and an empty one is read at once")
    func waitsForTopic() async throws {
        try await withBroker(properties: ["auto.create.topics.enable": "false"]) { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let view = cities(kafka) { $0.backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(20)) }
            try await running(view) {
                try await Admin(kafka, logger: .silent).create(topic, partitions: 2)
                #expect(try await view.readWhenReady { $0 }.isEmpty)
            }
        }
    }

    @Test("a record that does not come in time is told, and the wait can be cancelled")
    func patience() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let view = cities(kafka)
            try await running(view) {
                let never = RecordPlace(topic: topic.name, partition: 0, offset: 1 << 40)
                let error = await #expect(throws: TidingsError.self) {
                    try await view.read(including: never, within: .milliseconds(20)) { _ in }
                }
                #expect(error?.code == .viewNotReady && error?.isRetriable == true)
                await #expect(throws: CancellationError.self) {
                    try await withThrowingTaskGroup(of: Void.self) { tasks in
                        tasks.addTask { try await view.read(including: never, within: .seconds(100)) { _ in } }
                        tasks.cancelAll()
                        try await tasks.waitForAll()
                    }
                }
            }
        }
    }

    @Test("from a snapshot it reads only what is new; a damaged one, or one of another version, is passed over")
    func snapshots() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tidings-view")
        defer { try? TemporaryDirectory.remove(folder) }
        let file = folder + "/cities.view"
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 3)
            try await publish([("ada", "London"), ("alan", "Manchester"), ("ada", "Paris")], to: kafka)
            let first = cities(kafka, snapshots: .json(in: .file(file), version: 1))
            try await running(first) { try await first.ready() }
            try await publish([("alan", nil), ("kurt", "Princeton")], to: kafka)
            func records(_ version: Int32) async throws -> Int64 {
                let view = cities(kafka, snapshots: .json(in: .file(file), version: version))
                try await running(view) {
                    let cities = try await view.readWhenReady { $0 }
                    #expect(cities == ["ada": "Paris", "kurt": "Princeton"])
                }
                return view.progress.records
            }
            #expect(try await records(1) == 2)
            #expect(try await records(1) == 0)
            #expect(try await records(2) == 5)
            #expect(try await records(2) == 0)
            var bytes = try #require(try SnapshotFile.read(file))
            bytes[bytes.count - 1] ^= 1
            try SnapshotFile.write(bytes, to: file)
            #expect(try await records(2) == 5)
        }
    }

    @Test("a log that begins behind the snapshot stops the view, or has it start anew, as it is told")
    func lostHistory() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tidings-view")
        defer { try? TemporaryDirectory.remove(folder) }
        try await withBroker(properties: ["log.retention.check.interval.ms": "10"]) { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(
                topic, partitions: 1, configuration: ["segment.bytes": "1024", "retention.bytes": "1"])
            try await publish([("early", "Ur")], to: kafka)
            let snapshots = ViewSnapshots<Cities>.json(in: .file(folder + "/cities.view"), version: 1)
            let first = cities(kafka, snapshots: snapshots)
            try await running(first) { try await first.ready() }
            for number in 0..<20 { try await publish([("c\(number)", "Rome")], to: kafka) }
            let partition = TopicPartition(topic.name, 0)
            while try await admin.watermarks([partition])[partition]?.lowerBound ?? 0 < 5 {
                try await Task.sleep(for: .milliseconds(2))
            }
            let failing = cities(kafka, snapshots: snapshots)
            let error = await #expect(throws: TidingsError.self) { try await failing.run() }
            #expect(error?.code == .historyMissing)
            let rebuilt = cities(kafka, snapshots: snapshots) { $0.onLostHistory = .rebuild }
            try await running(rebuilt) {
                let names = try await rebuilt.readWhenReady { $0 }
                #expect(names["c19"] == "Rome" && names["early"] == nil)
            }
        }
    }

    @Test("after a topic was made anew the snapshot of what is there takes the place of that of more")
    func topicMadeAnew() async throws {
        try await withKafka { bootstrap in
            let (kafka, store) = (KafkaConfiguration(bootstrap), InMemoryStore())
            let admin = try Admin(kafka, logger: .silent)
            let snapshots = ViewSnapshots<Cities>.json(in: .database(store), version: 1)
            try await admin.create(topic, partitions: 1)
            try await publish([("ada", "London"), ("alan", "Manchester"), ("ada", "Paris")], to: kafka)
            for read in [3, 1, 0] {
                let view = cities(kafka, snapshots: snapshots) { $0.onLostHistory = .rebuild }
                try await running(view) {
                    try await view.ready()
                    #expect(view.progress.records == Int64(read))
                }
                guard read == 3 else { continue }
                try await admin.deleteTopics([topic.name])
                try await eventually("the topic is gone") {
                    try await admin.metadata().topics.allSatisfy { $0.name != topic.name }
                }
                try await admin.create(topic, partitions: 1)
                try await publish([("grace", "New York")], to: kafka)
            }
        }
    }

    @Test("a rebuild goes on beside the view that answers, and takes its place without a gap")
    func rebuilds() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 2)
            try await publish((0..<200).map { ("c\($0)", "Rome") }, to: kafka)
            let counting = View(
                "counting", of: [topic.name], initial: Count(), kafka: kafka, logger: .silent)
            let folds = Steps()
            counting.foldRecords { state, _ in
                folds.reached(Step(.received, []))
                state.records += 1
            }
            try await running(counting) {
                try await counting.ready()
                for round in 1...3 {
                    counting.rebuild()
                    while folds.points.count < 200 * (round + 1) {
                        #expect(try counting.read { $0.records } == 200)
                        await Task.yield()
                    }
                }
                let place = try #require(try await publish([("new", "Oslo")], to: kafka))
                #expect(try await counting.read(including: place) { $0.records } == 201)
            }
        }
    }

    @Test("a record that cannot be read stops the view, or is left out, as it is told; the waiting are told")
    func poison() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            _ = try await producer.send(
                ProducerMessage(
                    topic: topic.name, key: [1], value: Array("no JSON".utf8),
                    headers: [RecordHeader("ce_type", Array(CustomerChanged.eventType.utf8))]))
            try await publish([("ada", "Paris")], to: kafka)
            let failing = cities(kafka)
            let codes = await withTaskGroup(of: TidingsError.Code?.self, returning: [TidingsError.Code?].self) {
                tasks in
                for wait in [failing.ready, failing.run] {
                    tasks.addTask {
                        do {
                            try await wait()
                            return nil
                        } catch {
                            return (error as? TidingsError)?.code
                        }
                    }
                }
                return await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(codes) == [.cannotDecode, .viewStopped])
            let skipping = cities(kafka) { $0.onUnreadable = .skip }
            try await running(skipping) {
                let cities = try await skipping.readWhenReady { $0 }
                #expect(cities == ["ada": "Paris"])
            }
        }
    }
}
