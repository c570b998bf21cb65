import Foundation
import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Testing
import TidingsTesting

@testable import Tidings

/// Views shared out among instances, over a real broker.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PartitionedViewTests {
    private typealias Counts = [String: Int]
    private let topics = [uniqueName("shared"), uniqueName("shared-too")]
    private let group = uniqueName("sharing")

    private func instance(
        _ address: String, standbys: Int = 0, snapshots: ViewSnapshots<Counts>? = nil,
        checking interval: Duration = .seconds(30), _ kafka: KafkaConfiguration
    ) -> PartitionedView<Counts> {
        var configuration = ViewConfiguration()
        configuration.partitionCheckInterval = interval
        let view = PartitionedView(
            group, of: topics, address: address, standbys: standbys, initial: Counts(), kafka: kafka,
            configuration: configuration, snapshots: snapshots, logger: .silent)
        view.foldRecords { counts, record in
            counts[String(decoding: record.key ?? [], as: UTF8.self), default: 0] += 1
        }
        return view
    }

    private func topics(_ kafka: KafkaConfiguration, partitions: [Int32] = [4, 4]) async throws {
        let specifications = zip(topics, partitions).map { TopicSpecification($0, partitions: $1) }
        try await Admin(kafka, logger: .silent).createTopics(specifications)
    }

    private func produce(_ keys: [String], to kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        for topic in topics {
            let reports = try await producer.send(
                keys.map { ProducerMessage(topic: topic, key: Array($0.utf8), value: [1]) })
            if let error = reports.firstFailure { throw error }
        }
    }

    /// Runs an instance until `body` is done.
    private func running<R: Sendable>(
        _ view: PartitionedView<Counts>, _ body: () async throws -> R
    ) async throws -> R {
        let services = ServiceGroup(services: [view], logger: .silent)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            let result: R
            do {
                result = try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return result
        }
    }

    private func members(_ admin: Admin) async throws -> [String]? {
        try await admin.describeGroups([group]).first?.members.map(\.clientID)
    }

    private let keys = (0..<40).map { "k\($0)" }

    /// What the instances answer: each is asked for each key, and where it says who else has it, so is that one.
    private func ask(_ views: [PartitionedView<Counts>]) async throws -> Counts {
        var answers: Counts = [:]
        for key in keys {
            for view in views {
                switch try await view.read(key: key, { $0[key] }) {
                case .here(let count): answers[key] = count
                case .elsewhere(let holder):
                    let other = try #require(views.first { $0.address == holder.address })
                    #expect(other.address != view.address)
                    answers[key] = try await other.read(key: key) { $0[key] }.value ?? nil
                }
            }
        }
        return answers
    }

    @Test("each instance holds its share, answers for its keys or tells who does, and takes over when others leave")
    func shares() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let expected = Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) })
            let (a, b) = (instance("a:1", kafka), instance("b:2", kafka))
            try await running(a) {
                try await a.ready()
                #expect(a.active == [0, 1, 2, 3] && a.standing.isEmpty)
                #expect(a.progress.records == 80)
                try await running(b) {
                    try await eventually("the instances have settled") {
                        a.active.count == 2 && b.active.count == 2 && b.progress.isReady
                    }
                    #expect(a.active.union(b.active) == [0, 1, 2, 3])
                    try await eventually("the instances have settled") { (try? await ask([a, b])) == expected }
                    let held = try a.readActive { $0.values.reduce(0) { $0 + $1.count } }
                    #expect(try held + b.readActive { $0.values.reduce(0) { $0 + $1.count } } == keys.count)
                }
                try await eventually("the instances have settled") { a.active.count == 4 && a.progress.isReady }
                let answers = try await ask([a])
                #expect(answers == expected)
            }
        }
    }

    @Test("who gets a partition goes on from its snapshot; one of another version, or a damaged one, is not taken")
    func snapshots() async throws {
        try await withKafka { bootstrap in
            let (kafka, folder) = (KafkaConfiguration(bootstrap), try TemporaryDirectory.make(prefix: "shared-view"))
            defer { try? TemporaryDirectory.remove(folder) }
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let path = folder + "/shared.view"
            for (round, version, read) in [(1, 1, 80), (2, 1, 80), (3, 2, 240), (4, 2, 80)] {
                let snapshots = ViewSnapshots<Counts>.json(in: .file(path), version: Int32(version))
                let view = instance("a:1", snapshots: snapshots, kafka)
                try await running(view) {
                    try await view.ready()
                    #expect(try await ask([view]) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 2 * round) }))
                    #expect(view.progress.records == read)
                }
                try await produce(keys, to: kafka)
            }
            // One of four is damaged: its history is read anew, that of the others goes on.
            let number: Int32 = 1
            try Data("tidview1 and no more".utf8).write(to: URL(fileURLWithPath: "\(path)-\(number)"))
            let view = instance("a:1", snapshots: .json(in: .file(path), version: 2), kafka)
            try await running(view) {
                try await view.ready()
                #expect(try await ask([view]) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 10) }))
                let own = keys.filter { KeyPartitioner.partition(of: Array($0.utf8), among: 4) == number }.count
                #expect(view.progress.records == Int64(own * 10 + (keys.count - own) * 2))
            }
        }
    }

    @Test("with a database that instances share, who takes over goes on from what the one before has kept")
    func sharedSnapshots() async throws {
        try await withKafka { bootstrap in
            let (kafka, store) = (KafkaConfiguration(bootstrap), InMemoryStore())
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let snapshots = ViewSnapshots<Counts>.json(in: .database(store), version: 1)
            let first = instance("a:1", snapshots: snapshots, kafka)
            try await running(first) { try await first.ready() }
            let second = instance("b:2", snapshots: snapshots, kafka)
            try await running(second) {
                try await second.ready()
                #expect(second.progress.records == 0)
                #expect(try await ask([second]) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) }))
            }
        }
    }

    @Test("a standby holds a copy, answers from it when it may, and takes over without reading history again")
    func standsBy() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let (a, b) = (instance("a:1", standbys: 1, kafka), instance("b:2", standbys: 1, kafka))
            try await running(a) {
                try await a.ready()
                try await running(b) {
                    try await eventually("the instances have settled") {
                        a.active.count == 2 && b.active.count == 2 && a.standing == b.active && b.standing == a.active
                    }
                    try await eventually("b has a copy of everything") {
                        for key in keys {
                            let count = try? await b.read(key: key, standingBy: true) { $0[key] }.value
                            if count != 2 { return false }
                        }
                        return true
                    }
                    let active = a.active
                    let key = try #require(
                        keys.first { active.contains(KeyPartitioner.partition(of: Array($0.utf8), among: 4)) })
                    guard case .elsewhere(let holder) = try await b.read(key: key, { $0[key] }) else {
                        Issue.record("b does not answer for what a has")
                        return
                    }
                    #expect(holder == ViewHolder(address: "a:1", standbys: ["b:2"]))
                }
                let before = a.progress.records
                try await eventually("the instances have settled") { a.active.count == 4 && a.progress.isReady }
                let answers = try await ask([a])
                #expect(answers == Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) }))
                #expect(a.progress.records == before)
            }
        }
    }

    @Test("who is shut down leaves the group at once; removing the snapshots has every partition read anew")
    func leaves() async throws {
        try await withKafka { bootstrap in
            let (kafka, store) = (KafkaConfiguration(bootstrap), InMemoryStore())
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let admin = try Admin(kafka, logger: .silent)
            for read in [80, 0, 80] {
                let view = instance("a:1", snapshots: .json(in: .database(store), version: 1), kafka)
                try await running(view) {
                    try await view.ready()
                    #expect(view.progress.records == Int64(read))
                    #expect(try await members(admin) == ["a:1"])
                }
                #expect(try await members(admin) == [])
                if read == 0 { try await SnapshotPlace.removeSnapshot(of: group, from: store) }
            }
        }
    }

    @Test(
        "partitions that are added while it runs, to one topic after the other, are shared out and read like the others"
    )
    func morePartitions() async throws {
        try await withKafka { bootstrap in
            var kafka = KafkaConfiguration(bootstrap)
            kafka.properties["topic.metadata.refresh.interval.ms"] = "100"
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let admin = try Admin(kafka, logger: .silent)
            let before = Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) })
            let (a, b) = (
                instance("a:1", checking: .milliseconds(20), kafka), instance("b:2", checking: .milliseconds(20), kafka)
            )
            try await running(a) {
                try await running(b) {
                    try await eventually("the instances have settled") { (try? await ask([a, b])) == before }
                    try await admin.createPartitions([topics[0]: 6])
                    try await eventually("the new ones are shared out") { a.active.union(b.active) == Set(0..<6) }
                    // The other topic has none of them yet: keys are where they were.
                    try await eventually("the instances have settled") { (try? await ask([a, b])) == before }
                    try await admin.createPartitions([topics[1]: 6])
                    try await produce(keys, to: kafka)
                    // What a key had before stays where it was.
                    let after = Dictionary(
                        uniqueKeysWithValues: keys.map { key in
                            let places = [4, 6].map { KeyPartitioner.partition(of: Array(key.utf8), among: $0) }
                            return (key, places[0] == places[1] ? 4 : 2)
                        })
                    #expect(Set(after.values) == [2, 4])
                    try await eventually("all is read") {
                        let held = [a, b].map { view in
                            (try? view.readActive { $0.values.flatMap(\.values).reduce(0, +) }) ?? 0
                        }
                        return held.reduce(0, +) == 4 * keys.count
                    }
                    try await eventually("each key is asked for where it is now") {
                        (try? await ask([a, b])) == after
                    }
                }
            }
        }
    }

    @Test("while Kafka is away it answers for what it holds, at once and for every key")
    func kafkaAway() async throws {
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let view = instance("a:1", checking: .milliseconds(5), kafka)
            try await running(view) {
                try await view.ready()
                #expect(try await ask([view]) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) }))
                try await broker.stop()
                for _ in 0..<100 {
                    #expect(try await ask([view]) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 2) }))
                }
                try await broker.start()
                try await produce(keys, to: kafka)
                try await eventually("it reads on") {
                    (try? await ask([view])) == Dictionary(uniqueKeysWithValues: keys.map { ($0, 4) })
                }
            }
        }
    }

    @Test("a partition whose snapshot cannot be had for the moment is read from the beginning, and holds up no other")
    func snapshotsAway() async throws {
        try await withKafka { bootstrap in
            var kafka = KafkaConfiguration(bootstrap)
            kafka.properties["topic.metadata.refresh.interval.ms"] = "100"
            try await topics(kafka)
            try await produce(keys, to: kafka)
            let store = InMemoryStore()
            let view = instance(
                "a:1", snapshots: .json(in: .database(store), version: 1), checking: .milliseconds(20), kafka)
            try await running(view) {
                try await view.ready()
                store.isAvailable = false
                try await Admin(kafka, logger: .silent).createPartitions([topics[0]: 6, topics[1]: 6])
                try await eventually("the new ones are here") { view.active == Set(0..<6) && view.progress.isReady }
                try await produce(keys, to: kafka)
                try await eventually("old and new partitions are read") {
                    (try? view.readActive { $0.values.flatMap(\.values).reduce(0, +) }) == 4 * keys.count
                }
                store.isAvailable = true
            }
            #expect(try await store.transaction { try store.viewsWithSnapshots(in: $0) }.count == 6)
        }
    }

    @Test("topics whose keys lead to different partitions are refused")
    func differentPartitions() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await topics(kafka, partitions: [4, 3])
            let view = instance("a:1", kafka)
            let error = await #expect(throws: TidingsError.self) { try await view.run() }
            #expect(error?.code == .invalidConfiguration)
        }
    }
}
