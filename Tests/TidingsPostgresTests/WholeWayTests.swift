import KafkaClient
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import Tidings
import TidingsPostgres

/// From a PostgreSQL database over a broker to a PostgreSQL database.
@Suite("The whole way on PostgreSQL", .timeLimit(.minutes(2)))
struct WholeWayTests {
    private struct Placed: Event {
        static let eventType = "test.order.placed"
        var orderID: String
        var key: String { orderID }
    }

    private let topic = Topic<Placed>(uniqueName("order"))
    private let group = uniqueName("readers")

    @Test("each event has one effect at the reader, in the order of its key, though connections break on both sides")
    func oneEffect() async throws {
        let count = 60
        try await withKafka { bootstrap in
            try await withStore { writer in
                try await withStore { reader in
                    let kafka = KafkaConfiguration(bootstrap)
                    try await Admin(kafka, logger: quiet).create(topic, partitions: 3)
                    try await reader.pool.transaction { db in
                        try db.execute("create table effect (place bigserial primary key, event text, orderid text)")
                    }
                    let producer = try Producer(.relay(kafka), logger: quiet)
                    let relay = OutboxRelay(store: writer, producer: producer, logger: quiet)
                    try await running([producer, relay, subscription(to: kafka, reader)]) {
                        for number in 0..<count {
                            if number % 20 == 10 { try await breakConnections([writer, reader]) }
                            try await publish(number, writer)
                        }
                        try await persistently(reader) {
                            try await reader.pool.waitUntil("select count(distinct event) >= \(count) from effect")
                        }
                    }
                    let rows = try await reader.pool.transaction { db in
                        try db.query("select orderid, string_agg(event, ' ' order by place) from effect group by 1")
                    }
                    for row in rows {
                        let key: String = try row[0]
                        let expected = (0..<count).filter { "o\($0 % 7)" == key }.map { "e\($0)" }
                        #expect(try row[1] == expected.joined(separator: " "))
                    }
                    #expect(rows.count == 7)
                }
            }
        }
    }

    @Test("a record that cannot be handled is parked with those behind it, and other keys go on")
    func parking() async throws {
        struct Poison: Error {}
        try await withRelay(partitions: 1) { store, kafka, relaying in
            try await store.pool.transaction { db in try db.execute("create table effect (event text primary key)")
            }
            let subscription = Subscription(
                to: [topic.name], group: group, store: store, kafka: kafka, logger: quiet)
            subscription.handle(Placed.self) { _, delivery, db in
                let id = delivery.eventID?.rawValue ?? ""
                try db.execute("insert into effect values ($1)", id)
                if id == "e0" { throw Poison() }
            }
            try await running(relaying + [subscription]) {
                for number in 0..<14 { try await publish(number, store) }
                try await store.pool.waitUntil("select count(*) = 12 from effect")
                try await store.pool.waitUntil("select count(*) = 2 from tidings_parked")
            }
            let rows = try await store.pool.transaction { db in
                try db.query("select attempts from tidings_parked order by \"offset\"")
            }
            #expect(try rows.map { try $0[0] } == [1, 0])
        }
    }

    @Test("a failure that shows only at the commit parks its record, and the subscription goes on")
    func refusedAtCommit() async throws {
        try await withRelay(partitions: 1) { store, kafka, relaying in
            try await store.pool.transaction { db in
                try db.execute(
                    """
                    create table effect (event text primary key, parent text references effect
                        deferrable initially deferred)
                    """)
            }
            let subscription = Subscription(
                to: [topic.name], group: group, store: store, kafka: kafka, logger: quiet)
            subscription.handle(Placed.self) { _, delivery, db in
                let id = delivery.eventID?.rawValue ?? ""
                if id == "e2" { _ = try? db.execute("insert into effect values (null)") }
                if id != "e2" { try db.execute("insert into effect values ($1, $2)", id, id == "e1" ? "no" : nil) }
            }
            try await running(relaying + [subscription]) {
                for number in 0..<7 { try await publish(number, store) }
                let keyless = EventRecord(
                    eventID: "e2", topic: topic.name, key: nil,
                    headers: [EventHeader("ce_id", "e2"), EventHeader("ce_type", Placed.eventType)],
                    value: Array(#"{"orderID":"o9"}"#.utf8))
                try await store.transaction { db in try store.append(keyless, in: db) }
                try await store.pool.waitUntil("select count(*) = 5 from effect")
                try await store.pool.waitUntil("select count(*) = 3 from tidings_parked")
                // Tried again, they fail again, and the subscription goes on.
                try await store.transaction { db in
                    for letter in try store.deadLetters(.causes(after: 0, limit: 9), in: db) {
                        _ = try store.retryDeadLetter(letter.number, in: db)
                    }
                }
                try await store.pool.waitUntil("select count(*) = 3 from tidings_parked where attempts = 2")
                try await publish(10, store)
                try await store.pool.waitUntil("select count(*) = 6 from effect")
            }
        }
    }

    @Test("parked records that are retried while the service runs have one effect each, in the order of their key")
    func retrying() async throws {
        struct Poison: Error {}
        try await withRelay(partitions: 2) { store, kafka, relaying in
            try await store.pool.transaction { db in
                try db.execute("create table effect (place bigserial primary key, event text, orderid text)")
            }
            let isBroken = Mutex(true)
            var configuration = SubscriptionConfiguration()
            configuration.deadLetterInterval = .milliseconds(10)
            let subscription = Subscription(
                to: [topic.name], group: group, store: store, kafka: kafka, configuration: configuration,
                logger: quiet)
            subscription.handle(Placed.self) { event, delivery, db in
                if event.orderID == "o0", isBroken.withLock({ $0 }) { throw Poison() }
                try db.execute(
                    "insert into effect (event, orderid) values ($1, $2)", delivery.eventID?.rawValue,
                    event.orderID)
            }
            try await running(relaying + [subscription]) {
                for number in 0..<70 { try await publish(number, store) }
                try await store.pool.waitUntil("select count(*) = 60 from effect")
                try await store.pool.waitUntil("select count(*) = 10 from tidings_parked")
                isBroken.withLock { $0 = false }
                let cause = try await store.transaction { db in
                    try store.deadLetters(.causes(after: 0, limit: 9), in: db)
                }
                #expect(cause.count == 1)
                try await store.transaction { db in try store.retryDeadLetter(cause[0].number, in: db) }
                for number in 70..<84 { try await publish(number, store) }
                try await store.pool.waitUntil("select count(*) = 84 from effect")
            }
            let row = try await store.pool.transaction { db in
                try db.query("select string_agg(event, ' ' order by place) from effect where orderid = 'o0'")[0]
            }
            #expect(try row[0] == stride(from: 0, to: 84, by: 7).map { "e\($0)" }.joined(separator: " "))
        }
    }

    @Test(
        "events of a topic that nobody has made are parked, all others go; made and let go again, they arrive",
        .enabled(if: Programs.externalKafka == nil), arguments: [OutboxPublishing.atLeastOnce, .exactlyOnce])
    func missingTopic(_ publishing: OutboxPublishing) async throws {
        try await withKafka(configuration: ["auto.create.topics.enable": "false"]) { bootstrap in
            try await withStore { store in
                let kafka = KafkaConfiguration(bootstrap)
                let admin = try Admin(kafka, logger: quiet)
                let (good, missing) = (topic.name, uniqueName("missing"))
                try await admin.create(topic, partitions: 3)
                var configuration = OutboxRelayConfiguration()
                configuration.topicPatience = .seconds(1)
                configuration.backoff = Backoff(first: .milliseconds(10), longest: .milliseconds(100))
                configuration.maximumBatchCount = 20
                let relay = try OutboxRelay(
                    store: store, kafka: kafka, publishing: publishing, configuration: configuration, logger: quiet)
                try await running([relay]) {
                    // More than a batch of the missing one's in front.
                    try await store.transaction { db in
                        for number in 0..<100 { try store.append(record(number, to: missing), in: db) }
                        for number in 0..<100 { try store.append(record(number, to: good), in: db) }
                    }
                    try await store.pool.waitUntil(
                        """
                        select (select count(*) from tidings_outbox) = 0
                            and (select count(*) from tidings_outbox_parked) = 100
                        """)
                    #expect(try await count(good, in: admin) >= 100)
                    try await admin.create(Topic<Placed>(missing), partitions: 2)
                    // The producer looks for it every second; what is let go before that is parked again.
                    try await eventually("all are out") {
                        try await store.transaction { db in
                            for parked in try store.parkedEvents(.causes(after: 0, limit: 200), in: db) {
                                _ = try store.retryParked(parked.sequence, in: db)
                            }
                            let status = try store.outboxStatus(in: db)
                            return status.pending == 0 && status.parked == 0
                        }
                    }
                    #expect(try await count(missing, in: admin) >= 100)
                }
            }
        }
    }

    @Test(
        "events that are too large together for their topic go in smaller portions, and none of them is parked",
        arguments: [OutboxPublishing.atLeastOnce, .exactlyOnce])
    func tooLargeTogether(_ publishing: OutboxPublishing) async throws {
        try await withKafka { bootstrap in
            try await withStore { store in
                let kafka = KafkaConfiguration(bootstrap)
                let admin = try Admin(kafka, logger: quiet)
                let small = uniqueName("small")
                try await admin.createTopics([
                    TopicSpecification(small, partitions: 2, configuration: ["max.message.bytes": "4000"])
                ])
                let relay = try OutboxRelay(store: store, kafka: kafka, publishing: publishing, logger: quiet)
                try await store.transaction { db in
                    for number in 0..<100 { try store.append(record(number, to: small, bytes: 500), in: db) }
                }
                try await running([relay]) {
                    try await store.pool.waitUntil("select count(*) = 0 from tidings_outbox")
                }
                let parked = try await store.transaction { db in try store.outboxStatus(in: db).parked }
                #expect(parked == 0)
                #expect(try await count(small, in: admin) >= 100)
            }
        }
    }

    /// With a store whose events a relay carries to the topic, and what carries them.
    private func withRelay(
        partitions: Int32, _ body: @Sendable (PostgresStore, KafkaConfiguration, [any Service]) async throws -> Void
    ) async throws {
        try await withKafka { bootstrap in
            try await withStore { store in
                let kafka = KafkaConfiguration(bootstrap)
                try await Admin(kafka, logger: quiet).create(topic, partitions: partitions)
                let producer = try Producer(.relay(kafka), logger: quiet)
                let relay = OutboxRelay(store: store, producer: producer, logger: quiet)
                try await body(store, kafka, [producer, relay])
            }
        }
    }

    private func record(_ number: Int, to topic: String, bytes: Int = 10) -> EventRecord {
        EventRecord(
            eventID: EventID("\(topic)-\(number)"), topic: topic, key: Array("k\(number % 7)".utf8), headers: [],
            value: [UInt8](repeating: 0, count: bytes))
    }

    /// How many records a topic has, with the markers of transactions.
    private func count(_ topic: String, in admin: Admin) async throws -> Int64 {
        let topics = try await admin.metadata(topics: [topic]).topics
        let partitions = topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0.id) } }
        return try await admin.watermarks(partitions).values.reduce(0) { $0 + $1.upperBound }
    }

    private func subscription(
        to kafka: KafkaConfiguration, _ store: PostgresStore
    ) -> Subscription<PostgresStore> {
        var configuration = SubscriptionConfiguration()
        configuration.sessionTimeout = .seconds(6)
        let subscription = Subscription(
            to: [topic.name], group: group, store: store, kafka: kafka, configuration: configuration, logger: quiet)
        subscription.handle(Placed.self) { event, delivery, db in
            try db.execute(
                "insert into effect (event, orderid) values ($1, $2)", delivery.eventID?.rawValue, event.orderID)
        }
        return subscription
    }

    private func publish(_ number: Int, _ store: PostgresStore) async throws {
        let publisher = Publisher(store: store, source: "/test")
        try await persistently(store) {
            try await publisher.publish(Placed(orderID: "o\(number % 7)"), id: EventID("e\(number)"), to: topic) { _ in
            }
        }
    }

    private func breakConnections(_ stores: [PostgresStore]) async throws {
        for store in stores {
            try await persistently(store) {
                try await store.pool.transaction { db in
                    try db.query(
                        """
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()
                        """)
                }
            }
        }
    }

    /// A service group that runs while `body` runs, and is then shut down gracefully.
    private func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: services, logger: quiet)
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
}
