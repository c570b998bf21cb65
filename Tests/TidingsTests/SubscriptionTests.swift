import KafkaClient
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// The whole way: publisher, relay, broker, subscription; only the database is a double.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SubscriptionTests {
    private let topic = Topic<Placed>(uniqueName("order"))
    private let group = uniqueName("readers")

    /// A service group that runs while `body` runs, and is then shut down gracefully.
    private func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: services, logger: .silent)
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

    private func counting(
        _ store: InMemoryStore, _ kafka: KafkaConfiguration, instanceID: String? = nil, probe: (any Probe)? = nil,
        configure: (inout SubscriptionConfiguration) -> Void = { _ in }
    ) -> Subscription<InMemoryStore> {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = instanceID
        configuration.offsetCommitInterval = .milliseconds(10)
        configuration.sessionTimeout = .seconds(6)
        configure(&configuration)
        let subscription = Subscription(
            to: [topic.name], group: group, store: store, kafka: kafka, configuration: configuration, probe: probe,
            logger: .silent)
        subscription.handle(Placed.self) { event, delivery, transaction in
            let id = delivery.eventID?.rawValue ?? ""
            transaction.rows[id] = "\((Int(transaction.rows[id] ?? "") ?? 0) + 1)"
            transaction.rows["of " + event.orderID, default: ""] += id + " "
        }
        return subscription
    }

    private func publish(_ numbers: Range<Int>, to kafka: KafkaConfiguration) async throws {
        let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
        let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
        for number in numbers {
            try await publisher.publish(
                Placed(orderID: "o\(number % 3)", total: number), id: EventID("e\(number)"), to: topic,
                sending: .afterAction
            ) { _ in }
        }
    }

    private func rows(_ store: InMemoryStore, atLeast count: Int) async throws {
        while store.rows.keys.count(where: { $0.hasPrefix("e") }) < count {
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test("from a transaction at the writer to one effect at the reader, in the order of each key")
    func wholeWay() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 5)
            let (writer, reader) = (InMemoryStore(), InMemoryStore())
            let producer = try Producer(.relay(kafka), logger: .silent)
            let relay = OutboxRelay(store: writer, producer: producer, logger: .silent)
            let publisher = Publisher(store: writer, source: "/test")
            try await running([producer, relay, counting(reader, kafka)]) {
                for number in 0..<100 {
                    try await publisher.publish(
                        Placed(orderID: "o\(number % 7)", total: number), id: EventID("e\(number)"), to: topic
                    ) { $0.rows["\(number)"] = "done" }
                }
                try await rows(reader, atLeast: 100)
            }
            for number in 0..<100 { #expect(reader.rows["e\(number)"] == "1") }
            for key in 0..<7 {
                let expected = stride(from: key, to: 100, by: 7).map { "e\($0) " }.joined()
                #expect(reader.rows["of o\(key)"] == expected)
            }
            #expect(writer.outbox.isEmpty)
            let committed = try await Admin(kafka, logger: .silent).committedOffsets(ofGroup: group)
            #expect(committed.values.reduce(0, +) == 100)
        }
    }

    @Test("on assignment a subscription resumes from the database, whatever Kafka has committed")
    func resumes() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 1)
            let (writer, reader) = (InMemoryStore(), InMemoryStore())
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: writer, producer: producer, source: "/test")
            for number in 0..<10 {
                try await publisher.publish(
                    Placed(orderID: "o", total: number), id: EventID("e\(number)"), to: topic, sending: .afterAction
                ) { _ in }
            }
            // The database has seen the first four, Kafka knows nothing of it.
            _ = try await reader.transaction {
                try reader.advance(
                    GroupPartition(group: group, topic: topic.name, partition: 0), from: nil, to: 4, in: $0)
            }
            try await running([counting(reader, kafka)]) { try await rows(reader, atLeast: 6) }
            #expect(Set(reader.rows.keys.filter { $0.hasPrefix("e") }) == Set((4..<10).map { "e\($0)" }))
        }
    }

    @Test("where the database has no offset, it starts at the beginning, or where Kafka says if asked to")
    func firstStart() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 1)
            try await publish(0..<10, to: kafka)
            // The group has been here before, with another database, and has left an offset in Kafka.
            let before = InMemoryStore()
            try await running([counting(before, kafka)]) { try await rows(before, atLeast: 10) }
            #expect(try await admin.committedOffsets(ofGroup: group) == [TopicPartition(topic.name, 0): 10])

            let new = InMemoryStore()
            try await running([counting(new, kafka)]) { try await rows(new, atLeast: 10) }
            #expect(new.rows["e0"] == "1" && new.rows["e9"] == "1")

            let successor = InMemoryStore()
            try await publish(10..<12, to: kafka)
            try await running([counting(successor, kafka) { $0.firstStart = .committed }]) {
                try await rows(successor, atLeast: 2)
            }
            #expect(Set(successor.rows.keys.filter { $0.hasPrefix("e") }) == ["e10", "e11"])
        }
    }

    @Test("stopped while its database is away it ends without an error, and handles the record next time")
    func stopsWithoutDatabase() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let reader = InMemoryStore()
            let attempts = Steps()
            try await running([counting(reader, kafka, probe: attempts)]) {
                try await publish(0..<1, to: kafka)
                try await rows(reader, atLeast: 1)
                reader.isAvailable = false
                try await publish(1..<2, to: kafka)
                while attempts.points.count(where: { $0 == .handlingStarts }) < 3 {
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            reader.isAvailable = true
            #expect(reader.rows["e1"] == nil && reader.parkedRecords.isEmpty)
            try await running([counting(reader, kafka)]) { try await rows(reader, atLeast: 2) }
            #expect(reader.rows["e0"] == "1" && reader.rows["e1"] == "1")
        }
    }

    @Test("cancelled, as opposed to shut down, it throws the cancellation and parks nothing")
    func cancellation() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            try await publish(0..<1, to: kafka)
            let reader = InMemoryStore()
            let (isPreparing, started) = AsyncStream<Void>.makeStream()
            let subscription = Subscription(
                to: [topic.name], group: group, store: reader, kafka: kafka, logger: .silent)
            subscription.handle(Placed.self) { _, _ in
                started.yield()
                try await Task.sleep(for: .seconds(600))
            } _: { _, _, _, _ in
            }
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    tasks.addTask { try await subscription.run() }
                    for await _ in isPreparing { break }
                    tasks.cancelAll()
                    try await tasks.waitForAll()
                }
            }
            #expect(reader.parkedRecords.isEmpty)
        }
    }

    @Test("records that Kafka deleted unread stop the subscription, or are logged and counted when told to go on")
    func missingHistory() async throws {
        try await withBroker(properties: ["log.retention.check.interval.ms": "10"]) { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(
                topic, partitions: 1, configuration: ["segment.bytes": "1024", "retention.bytes": "1"])
            for number in 0..<20 { try await publish(number..<number + 1, to: kafka) }
            let partition = TopicPartition(topic.name, 0)
            while try await admin.watermarks([partition])[partition]?.lowerBound ?? 0 < 5 {
                try await Task.sleep(for: .milliseconds(2))
            }
            let reader = InMemoryStore()
            let place = GroupPartition(group: group, topic: topic.name, partition: 0)
            _ = try await reader.transaction { try reader.advance(place, from: nil, to: 2, in: $0) }
            let error = await #expect(throws: TidingsError.self) { try await counting(reader, kafka).run() }
            #expect(error?.code == .historyMissing && error?.isFatal == true)
            #expect(reader.rows.isEmpty)
            try await running([counting(reader, kafka) { $0.onMissingHistory = .continue }]) {
                while reader.rows["e19"] == nil { try await Task.sleep(for: .milliseconds(2)) }
            }
            #expect(reader.rows["e2"] == nil)
            // A database that has not begun yet misses nothing: it starts with what is there.
            let new = InMemoryStore()
            try await running([counting(new, kafka)]) {
                while new.rows["e19"] == nil { try await Task.sleep(for: .milliseconds(2)) }
            }
        }
    }

    @Test("an instance that comes back goes on where it was, and nothing is handled twice")
    func restarts() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 3)
            let reader = InMemoryStore()
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            for round in 0..<3 {
                try await running([counting(reader, kafka, instanceID: "one")]) {
                    for number in round * 20..<(round + 1) * 20 {
                        try await publisher.publish(
                            Placed(orderID: "o\(number)", total: 0), id: EventID("e\(number)"), to: topic,
                            sending: .beforeAction
                        ) { _ in }
                    }
                    try await rows(reader, atLeast: (round + 1) * 20)
                }
            }
            for number in 0..<60 { #expect(reader.rows["e\(number)"] == "1") }
        }
    }

    @Test("an offset beyond the end of the log stops the subscription instead of skipping or repeating")
    func beyondTheLog() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let reader = InMemoryStore()
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            try await publisher.publish(Placed(orderID: "o", total: 0), to: topic, sending: .afterAction) { _ in }
            _ = try await reader.transaction {
                try reader.advance(
                    GroupPartition(group: group, topic: topic.name, partition: 0), from: nil, to: 1000, in: $0)
            }
            let error = await #expect(throws: TidingsError.self) { try await counting(reader, kafka).run() }
            #expect(error?.code == .offsetBeyondLog)
            #expect(reader.rows.isEmpty)
        }
    }

    @Test("in several lanes each key keeps its order, and another number of lanes goes on where they all are")
    func lanes() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let reader = InMemoryStore()
            var count = 0
            for lanes in [4, 4, 3, 1, 8] {
                // Ends in the midst of things: the lanes are not even then.
                let next = count + 60
                try await publish(count..<next, to: kafka)
                try await running([
                    counting(reader, kafka) {
                        $0.lanes = lanes
                        $0.maximumBatchCount = 3
                    }
                ]) {
                    try await rows(reader, atLeast: next - 20)
                }
                count = next
                let place = GroupPartition(group: group, topic: topic.name, partition: 0)
                let stored = try await reader.transaction { try reader.lanes(of: place, in: $0) }
                #expect(stored.map(\.lane.count) == Array(repeating: Int32(lanes), count: lanes))
            }
            try await running([counting(reader, kafka) { $0.lanes = 2 }]) { try await rows(reader, atLeast: count) }
            for number in 0..<count { #expect(reader.rows["e\(number)"] == "1") }
            for key in 0..<3 {
                let expected = stride(from: key, to: count, by: 3).map { "e\($0) " }.joined()
                #expect(reader.rows["of o\(key)"] == expected)
            }
        }
    }

    @Test("a partition that is held up holds up no other, and is read no further than there is room for")
    func concurrentPartitions() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 4)
            try await publish(0..<400, to: kafka)
            let reader = InMemoryStore()
            let latch = Latch()
            let subscription = Subscription(
                to: [topic.name], group: group, store: reader, kafka: kafka, logger: .silent)
            subscription.handle(Placed.self) { event, _ in
                if event.orderID == "o0" { await latch.wait() }
            } _: { event, _, delivery, transaction in
                transaction.rows[delivery.eventID?.rawValue ?? ""] = "done"
            }
            try await running([subscription]) {
                // Those of the other keys that are in another partition than o0.
                try await rows(reader, atLeast: 100)
                #expect(reader.rows["e0"] == nil)
                latch.open()
                try await rows(reader, atLeast: 400)
            }
        }
    }

    @Test("with the database away beyond the poll interval it stays a member, and then goes on; nothing is skipped")
    func keepsMembership() async throws {
        try await withBroker(properties: ["group.min.session.timeout.ms": "1000"]) { broker in
            var kafka = KafkaConfiguration(broker.bootstrap)
            kafka.properties["max.poll.interval.ms"] = "1000"
            let admin = try Admin(kafka, logger: .silent)
            try await admin.create(topic, partitions: 2)
            let reader = InMemoryStore()
            try await running([counting(reader, kafka) { $0.sessionTimeout = .seconds(1) }]) {
                try await publish(0..<10, to: kafka)
                try await rows(reader, atLeast: 10)
                let member = try await admin.describeGroups([group])[0].members.map(\.memberID)
                reader.isAvailable = false
                try await publish(10..<20, to: kafka)
                try await Task.sleep(for: .seconds(3))  // three poll intervals
                #expect(try await admin.describeGroups([group])[0].members.map(\.memberID) == member)
                reader.isAvailable = true
                try await rows(reader, atLeast: 20)
            }
            for number in 0..<20 { #expect(reader.rows["e\(number)"] == "1") }
            #expect(reader.parkedRecords.isEmpty)
        }
    }

    @Test("an asynchronous stage that does not end is cancelled when the deadline for stopping has passed")
    func stopDeadline() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            try await publish(0..<1, to: kafka)
            let reader = InMemoryStore()
            let isPreparing = Latch()
            var configuration = SubscriptionConfiguration()
            configuration.stopDeadline = .milliseconds(50)
            let subscription = Subscription(
                to: [topic.name], group: group, store: reader, kafka: kafka, configuration: configuration,
                logger: .silent)
            subscription.handle(Placed.self) { _, _ in
                isPreparing.open()
                try await Task.sleep(for: .seconds(600))
            } _: { _, _, _, _ in
            }
            try await running([subscription]) { await isPreparing.wait() }
            #expect(reader.parkedRecords.isEmpty)
        }
    }

    @Test("an offset that is set back in the database while it runs is followed back")
    func followsBack() async throws {
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            try await publish(0..<5, to: kafka)
            let reader = InMemoryStore()
            try await running([counting(reader, kafka)]) {
                try await rows(reader, atLeast: 5)
                let place = GroupPartition(group: group, topic: topic.name, partition: 0)
                let isBack = try await reader.transaction { try reader.advance(place, from: 5, to: 3, in: $0) }
                #expect(isBack)
                try await publish(5..<6, to: kafka)
                try await rows(reader, atLeast: 6)
            }
            #expect((0..<6).map { reader.rows["e\($0)"] } == ["1", "1", "1", "2", "2", "1"])
        }
    }
}
