import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Handlers that handle history again, over a real socket; only the database is a double.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ReplaySubscriptionTests {
    private let topic = Topic<Placed>(uniqueName("order"))
    private let group = uniqueName("readers")

    /// What a handler was given, in order.
    private final class Seen: Sendable {
        private let events = Mutex<[(id: String, isReplayed: Bool)]>([])

        var ids: [String] { events.withLock { $0.map(\.id) } }
        var replayed: [String] { events.withLock { $0.filter(\.isReplayed).map(\.id) } }

        func add(_ delivery: Delivery) {
            events.withLock { $0.append((delivery.eventID?.rawValue ?? "", delivery.isReplayed)) }
        }
    }

    private func subscription(
        _ store: InMemoryStore, _ kafka: KafkaConfiguration, _ seen: Seen, group: String? = nil,
        configuration: SubscriptionConfiguration = SubscriptionConfiguration()
    ) -> Subscription<InMemoryStore> {
        var configuration = configuration
        configuration.offsetCommitInterval = .milliseconds(10)
        configuration.sessionTimeout = .seconds(6)
        let subscription = Subscription(
            to: [topic.name], group: group ?? self.group, store: store, kafka: kafka, configuration: configuration,
            logger: .silent)
        subscription.handle(Placed.self) { event, delivery, transaction in
            if event.total < 0 { throw TidingsError(.cannotDecode, "a negative total") }
            seen.add(delivery)
            transaction.rows["\(delivery.eventID?.rawValue ?? "")", default: ""] += "x"
        }
        return subscription
    }

    private func running(_ service: any Service, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: [service], logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func publish(_ totals: [Int], to kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
        for total in totals {
            try await publisher.publish(
                Placed(orderID: "o", total: total), id: EventID("e\(total)"), to: topic, sending: .afterAction
            ) { _ in }
        }
    }

    /// A topic of one partition with ten events, which a group has handled.
    private func withHandledHistory(
        _ body: @Sendable (KafkaConfiguration, Admin, InMemoryStore, TopicPartition) async throws -> Void
    ) async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 1)
            try await publish(Array(0..<10), to: kafka)
            let (store, seen) = (InMemoryStore(), Seen())
            try await running(subscription(store, kafka, seen)) {
                try await eventually("ten events") { seen.ids.count == 10 }
            }
            #expect(seen.replayed.isEmpty)
            try await body(kafka, admin, store, TopicPartition(topic.name, 0))
        }
    }

    private func ids(_ numbers: Range<Int>) -> [String] { numbers.map { "e\($0)" } }

    @Test("handled is what all lanes have passed, those included that got nothing and stayed where they were")
    func handledByAllLanes() throws {
        let place = GroupPartition(group: "g", topic: "t", partition: 0)
        let lanes = try PartitionLanes(
            stored: [LaneState(Lane(0, of: 2), offset: 7), LaneState(Lane(1, of: 2), offset: 3)], of: place)
        // Kafka is told when all lanes are there; it may not know yet, or still know of a time before a rewind.
        for (told, handled) in [(nil, 3), (1, 3), (5, 5), (7, 7), (99, 7)] as [(Int64?, Int64)] {
            #expect(Rewind<InMemoryStore>.handled(lanes, told: told) == handled)
        }
    }

    @Test("a group that is set back handles again what it is told to, in order, as a replay; what is new is none")
    func setBack() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            let rewind = try await Rewind.plan(
                of: group, in: [partition], to: .offset(4), store: store, admin: admin)
            #expect(rewind.places.map(\.handled) == [10])
            #expect(rewind.places.map(\.target) == [4])
            #expect(rewind.places.map(\.repeated) == [6])
            #expect(!rewind.isNewGroup)
            let place = GroupPartition(group: group, topic: topic.name, partition: 0)
            #expect(try await store.transaction { try store.offset(of: place, in: $0) } == 10, "a plan changes nothing")

            try await rewind.execute()
            #expect(try await admin.committedOffsets(ofGroup: group) == [partition: 4])
            try await publish([10, 11], to: kafka)
            let seen = Seen()
            try await running(subscription(store, kafka, seen)) {
                try await eventually("eight events") { seen.ids.count >= 8 }
            }
            #expect(seen.ids == ids(4..<12))
            #expect(seen.replayed == ids(4..<10))
            #expect(store.rows["e3"] == "x" && store.rows["e4"] == "xx" && store.rows["e11"] == "x")
        }
    }

    @Test("while a member has the partition it is refused; forced, the member finds out with its next record")
    func livingMember() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            let seen = Seen()
            try await running(subscription(store, kafka, seen)) {
                try await eventually("a member") {
                    let group = try await admin.describeGroups([group])[0]
                    return group.state == .stable && group.members.first?.assignment == [partition]
                }
                let rewind = try await Rewind.plan(
                    of: group, in: [partition], to: .offset(7), store: store, admin: admin)
                #expect(rewind.places[0].member != nil)
                let refusal = await #expect(throws: TidingsError.self) { try await rewind.execute() }
                #expect(refusal?.code == .groupInUse)
                let place = GroupPartition(group: group, topic: topic.name, partition: 0)
                #expect(try await store.transaction { try store.offset(of: place, in: $0) } == 10)

                try await rewind.execute(force: true)
                try await publish([10], to: kafka)
                try await eventually("four events") { seen.ids.count >= 4 }
            }
            #expect(seen.ids == ids(7..<11))
            #expect(seen.replayed == ids(7..<10))
        }
    }

    @Test("a new group gets its start, and all that was there then is a replay for it")
    func newGroup() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            let other = uniqueName("readers")
            let rewind = try await Rewind.plan(
                of: other, in: [partition], to: .beforeEnd(3), store: store, admin: admin)
            #expect(rewind.isNewGroup && rewind.places[0].handled == nil && rewind.places[0].repeated == 3)
            try await rewind.execute()
            try await publish([10], to: kafka)
            let seen = Seen()
            try await running(subscription(store, kafka, seen, group: other)) {
                try await eventually("four events") { seen.ids.count >= 4 }
            }
            #expect(seen.ids == ids(7..<11))
            #expect(seen.replayed == ids(7..<10))
        }
    }

    @Test("a group that has gone on since the plan was made is left alone")
    func moved() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            let rewind = try await Rewind.plan(
                of: group, in: [partition], to: .beginning, store: store, admin: admin)
            let place = GroupPartition(group: group, topic: topic.name, partition: 0)
            let hasMoved = try await store.transaction { try store.advance(place, from: 10, to: 11, in: $0) }
            #expect(hasMoved)
            let error = await #expect(throws: TidingsError.self) { try await rewind.execute() }
            #expect(error?.code == .offsetsMoved)
            #expect(try await store.transaction { try store.offset(of: place, in: $0) } == 11)
            try await rewind.execute(force: true)
            #expect(try await store.transaction { try store.offset(of: place, in: $0) } == 0)
        }
    }

    @Test("a replay is watched until all is handled again, also behind a transaction's marker")
    func watching() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            let producer = try TransactionalProducer(
                TransactionalProducerConfiguration(kafka, transactionalID: uniqueName("writer")), logger: .silent)
            try await producer.start()
            try await producer.transaction { transaction in
                _ = try await transaction.send([ProducerMessage(topic: topic.name, value: "no event")])
            }
            #expect(try await admin.watermarks([partition]) == [partition: 0..<12])
            let tail = LogTail(kafka: kafka, logger: .silent)
            #expect(try await tail.endsOfRecords(in: [partition: 0..<12]) == [partition: 11])
            #expect(try await tail.endsOfRecords(in: [partition: 12..<12]) == [partition: 12])
            #expect(try await tail.endsOfRecords(in: [partition: 11..<12]) == [partition: 11])

            let rewind = try await Rewind.plan(
                of: group, in: [partition], to: .offset(2), store: store, admin: admin)
            try await rewind.execute()
            let watch = try await ReplayWatch(rewind, kafka: kafka, logger: .silent)
            let before = try await watch.look()
            #expect(before.handled == 0 && before.total == 9 && !before.isDone)
            let seen = Seen()
            try await running(subscription(store, kafka, seen)) {
                try await eventually("the end") { try await watch.look().isDone }
            }
            #expect(seen.ids == ids(2..<10))
            #expect(try await watch.look().handled == 9)
        }
    }

    @Test("a rehearsal runs the handlers and leaves nothing behind, and names what they do not manage")
    func rehearsal() async throws {
        try await withHandledHistory { kafka, admin, store, partition in
            try await publish([-1, 10], to: kafka)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            try await producer.send(ProducerMessage(topic: topic.name, value: "no event"))
            let (rows, seen) = (store.rows, Seen())
            let told = Mutex<[Int64]>([])
            let rehearsal = try await subscription(store, kafka, seen).rehearse(from: .offset(5)) { progress in
                told.withLock { $0.append(progress.read) }
            }
            #expect(rehearsal.handled == 6 && rehearsal.failed == 1 && rehearsal.passedOver == 1)
            #expect(rehearsal.failures.map(\.offset) == [10])
            #expect(rehearsal.failures.map(\.eventID) == ["e-1"])
            #expect(rehearsal.failures[0].reason.contains("a negative total"))
            #expect(rehearsal.read == 8 && rehearsal.total == 8)
            let last = told.withLock { $0.last }
            #expect(last == 8)
            #expect(Set(seen.replayed) == Set(ids(5..<11)))
            #expect(store.rows == rows)
            let place = GroupPartition(group: group, topic: topic.name, partition: 0)
            #expect(try await store.transaction { try store.offset(of: place, in: $0) } == 10)

            let part = try await subscription(store, kafka, Seen()).rehearse(from: .offset(2), until: .offset(5))
            #expect(part.handled == 3 && part.total == 3)
        }
    }

    @Test("catching up handles what is there, in lanes, to a point or the end, goes on where it was, and returns")
    func catchUp() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 2)
            try await publish(Array(0..<30), to: kafka)
            let partition = try #require(
                try await admin.watermarks([TopicPartition(topic.name, 0), TopicPartition(topic.name, 1)])
                    .first { !$0.value.isEmpty }?.key)
            let (store, seen) = (InMemoryStore(), Seen())
            func job(_ seen: Seen) -> Subscription<InMemoryStore> {
                var configuration = SubscriptionConfiguration()
                configuration.lanes = 3
                return subscription(store, kafka, seen, configuration: configuration)
            }
            let part = try await job(seen).catchUp(until: .offset(20))
            #expect(part == CatchUp(handled: 20, total: 20))
            #expect(seen.ids == ids(0..<20))
            #expect(try await admin.committedOffsets(ofGroup: group) == [partition: 20])
            let told = Mutex<[CatchUp]>([])
            try await job(seen).catchUp { progress in told.withLock { $0.append(progress) } }
            let last = told.withLock { $0.last }
            #expect(last == CatchUp(handled: 10, total: 10))
            #expect(seen.ids == ids(0..<30))
            #expect(try await job(seen).catchUp() == CatchUp(handled: 0, total: 0))

            // A replay that ends: on a new group, and for it all of it is a replay.
            let other = uniqueName("readers")
            let all = [partition, TopicPartition(topic.name, 1 - partition.partition)]
            try await Rewind.plan(of: other, in: all, to: .beginning, store: store, admin: admin).execute()
            let again = Seen()
            try await subscription(store, kafka, again, group: other).catchUp()
            #expect(again.replayed == ids(0..<30))

            try await running(subscription(store, kafka, Seen())) {
                try await eventually("a member") { try await admin.describeGroups([group])[0].state == .stable }
                let refusal = await #expect(throws: TidingsError.self) { try await job(seen).catchUp() }
                #expect(refusal?.code == .groupInUse)
            }
        }
    }

    @Test("lanes that are set back forget their stamps, those that are set forth keep them")
    func memories() {
        let source = StampSource(outbox: "o", shard: 0)
        var memory = StampMemory()
        _ = memory.insert(EventStamp(source: source, batch: 1, index: 0))
        let lanes = [
            LaneState(Lane(0, of: 2), offset: 10, memories: [source: memory]),
            LaneState(Lane(1, of: 2), offset: 4, memories: [source: memory]),
        ]
        let rewound = Rewind<InMemoryStore>.rewound(lanes, to: 6)
        #expect(rewound.map(\.offset) == [6, 6])
        #expect(rewound.map(\.lane) == lanes.map(\.lane))
        #expect(rewound[0].memories.isEmpty)
        #expect(rewound[1].memories == [source: memory])
        #expect(Rewind<InMemoryStore>.rewound([], to: 3) == [LaneState(.only, offset: 3)])
    }
}
