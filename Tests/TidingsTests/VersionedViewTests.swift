import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import TidingsTesting

@testable import Tidings

/// What happens to views when their fold changes, over a real broker; only the database is a double.
@Suite(.serialized, .timeLimit(.minutes(2))) struct VersionedViewTests {
    private typealias Values = [String: String]
    private let topic = uniqueName("versioned")

    private func withTopic(_ body: @Sendable (KafkaConfiguration) async throws -> Void) async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).createTopics([TopicSpecification(topic, partitions: 3)])
            try await produce((0..<200).map { ("k\($0 % 20)", "\($0)") }, to: kafka)
            try await body(kafka)
        }
    }

    @discardableResult
    private func produce(_ pairs: [(String, String)], to kafka: KafkaConfiguration) async throws -> RecordPlace {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        let reports = try await producer.send(
            pairs.map { ProducerMessage(topic: topic, key: Array($0.0.utf8), value: Array($0.1.utf8)) })
        var place = RecordPlace(topic: topic, partition: 0, offset: 0)
        for report in reports {
            let at = try report.get()
            place = RecordPlace(topic: topic, partition: at.partition, offset: at.offset)
        }
        return place
    }

    private func running<R: Sendable>(_ views: [any Service], _ body: () async throws -> R) async throws -> R {
        let group = ServiceGroup(services: views, logger: .silent)
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

    // MARK: In memory

    /// A view whose values are marked with the version of the fold.
    private func inMemory(_ kafka: KafkaConfiguration, _ version: Int32, in place: SnapshotPlace) -> View<Values> {
        let snapshots = ViewSnapshots<Values>.json(in: place, version: version)
        let view = View(
            "versioned", of: [topic], initial: Values(), kafka: kafka,
            snapshots: snapshots.answering(from: version - 1, decode: snapshots.decode), logger: .silent)
        view.foldRecords { values, record in values[text(record.key)] = "\(version):" + text(record.value) }
        return view
    }

    @Test("a snapshot may be in the service's database, and can be deleted there at any time")
    func snapshotInDatabase() async throws {
        try await withTopic { kafka in
            let store = InMemoryStore()
            func records() async throws -> Int64 {
                let view = inMemory(kafka, 1, in: .database(store))
                try await running([view]) {
                    let count = try await view.readWhenReady { $0.count }
                    #expect(count == 20)
                }
                return view.progress.records
            }
            #expect(try await records() == 200)
            #expect(try await records() == 0)
            try await SnapshotPlace.removeSnapshot(of: "versioned", from: store)
            #expect(try await records() == 200)
        }
    }

    @Test("an older version's state answers and goes on until history is read anew, and is never kept as the new one's")
    func standsIn() async throws {
        try await withTopic { kafka in
            let store = InMemoryStore()
            let first = inMemory(kafka, 1, in: .database(store))
            try await running([first]) { try await first.ready() }
            let before = try await store.transaction { try store.snapshot(of: "versioned", in: $0) }
            let second = inMemory(kafka, 2, in: .database(store))
            let place = try await produce([("k3", "new")], to: kafka)
            try await running([second]) {
                let newest = try await second.read(including: place) { $0["k3"] }
                #expect(newest == "2:new")
                let others = try await second.readWhenReady { $0.filter { $0.key != "k3" } }
                #expect(others.count == 19)
                // Whichever state answers, it is whole.
                try await eventually("the new version answers") {
                    let versions = try second.read { Set($0.values.map { $0.prefix(2) }) }
                    let isNew = versions == ["2:"]
                    if !isNew {
                        await second.takeSnapshot()
                        let now = try await store.transaction { try store.snapshot(of: "versioned", in: $0) }
                        // The swap may have come between the two looks.
                        if try second.read({ Set($0.values.map { $0.prefix(2) }) }) != ["2:"] { #expect(now == before) }
                    }
                    return isNew
                }
                #expect(second.rebuildProgress == nil)
            }
            let third = inMemory(kafka, 2, in: .database(store))
            try await running([third]) {
                let versions = try await third.readWhenReady { Set($0.values.map { $0.prefix(2) }) }
                #expect(versions == ["2:"])
            }
            #expect(third.progress.records == 0)
        }
    }

    // MARK: In the database

    private func stored(
        _ kafka: KafkaConfiguration, _ store: InMemoryStore, _ version: Int32,
        rebuilding: StoredView<InMemoryStore>.Rebuilding = .beside
    ) -> StoredView<InMemoryStore> {
        let prefix = rebuilding == .beside ? "\(version) " : ""
        let view = StoredView(
            "versioned", version: version, rebuilding: rebuilding, of: [topic], store: store, kafka: kafka,
            logger: .silent
        ) { transaction in
            transaction.rows = transaction.rows.filter { !$0.key.hasPrefix(prefix) }
        }
        view.foldRecords { transaction, record in
            transaction.rows[prefix + text(record.key)] = "\(version):" + text(record.value)
        }
        return view
    }

    private func rows(_ view: StoredView<InMemoryStore>) async throws -> (Int32, Values) {
        try await view.read { transaction, version in
            (version, transaction.rows.filter { $0.key.hasPrefix("\(version) ") })
        }
    }

    @Test("another version is built beside the one that answers, which goes on doing so until the new one is as far")
    func beside() async throws {
        try await withTopic { kafka in
            let store = InMemoryStore()
            let first = stored(kafka, store, 1)
            let none = await #expect(throws: TidingsError.self) { try await rows(first) }
            #expect(none?.code == .viewNotReady)
            try await running([first]) {
                try await first.ready()
                #expect(try await rows(first).0 == 1)
                try await eventually("the first version answers") { try await first.answeringVersion() == 1 }
                let second = stored(kafka, store, 2)
                // Not started yet, it answers with what the first one has.
                #expect(try await rows(second).0 == 1)
                #expect(try await rows(second).1.count == 20)
                try await running([second]) {
                    let place = try await produce([("k3", "new")], to: kafka)
                    let new = try await second.read(including: place) { $0.rows["2 k3"] }
                    let old = try await first.read(including: place) { $0.rows["1 k3"] }
                    #expect(new == "2:new" && old == "1:new")
                    try await eventually("the second version answers") {
                        try await second.answeringVersion() == 2
                    }
                    // A process that still runs the first one answers with that.
                    #expect(try await rows(first).0 == 1)
                    #expect(try await rows(second).0 == 2)
                    #expect(try await rows(second).1.count == 20)
                    let refusal = await #expect(throws: TidingsError.self) { try await second.remove(2) { _ in } }
                    #expect(refusal?.code == .invalidConfiguration)
                }
            }
            let second = stored(kafka, store, 2)
            try await running([second]) {
                try await second.ready()
                #expect(second.progress.records == 0)
                try await second.remove(1) { transaction in
                    transaction.rows = transaction.rows.filter { !$0.key.hasPrefix("1 ") }
                }
            }
            // Gone back to, it reads everything again, and the second one answers in vain for a program that knows the
            // first one only.
            let again = stored(kafka, store, 1)
            let error = await #expect(throws: TidingsError.self) { try await rows(again) }
            #expect(error?.code == .viewNotReady)
            try await running([again]) {
                let count = try await again.readWhenReady { $0.rows.count { $0.key.hasPrefix("1 ") } }
                #expect(count == 20)
            }
            #expect(again.progress.records == 201)
        }
    }

    @Test("in place, a version whose tables another one has reset stops instead of writing into them")
    func fencedInPlace() async throws {
        try await withTopic { kafka in
            let store = InMemoryStore()
            let first = stored(kafka, store, 1, rebuilding: .inPlace)
            let task = Task { try await first.run() }
            try await first.ready()
            let second = stored(kafka, store, 2, rebuilding: .inPlace)
            try await running([second]) {
                try await second.ready()
                try await produce((0..<20).map { ("k\($0)", "new") }, to: kafka)
                let error = await #expect(throws: TidingsError.self) { try await task.value }
                #expect(error?.code == .fenced)
                try await eventually("the second one has folded everything") {
                    store.rows.values.allSatisfy { $0 == "2:new" } && store.rows.count == 20
                }
            }
        }
    }

    @Test("when one instance resets the state, the others that share it read anew as well")
    func setBack() async throws {
        try await withTopic { kafka in
            let store = InMemoryStore()
            let views = (0..<2).map { _ in stored(kafka, store, 1, rebuilding: .inPlace) }
            try await running(views) {
                for view in views { try await view.ready() }
                try await views[0].begin(anew: true)
                #expect(store.rows.isEmpty)
                // Only a record that comes tells the others.
                let place = try await produce((0..<20).map { ("k\($0)", "new") }, to: kafka)
                try await eventually("everything is folded again") { store.rows.count == 20 }
                for view in views { _ = try await view.read(including: place) { _ in } }
                #expect(Set(store.rows.values) == ["1:new"])
            }
        }
    }
}

private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
