import Foundation
import GRDB
import Glibc
import KafkaClient
import Logging
import Processes
import Tidings
import TidingsAudit
import TidingsPostgres

/// One run of the fault subject: its databases, its topic, its processes, and what is known in the end.
struct Subject: Sendable {
    let writerDatabase: String
    let readerDatabase: String
    let topic: String
    let kafka: String
    /// Its relays publish exactly once.
    var publishesExactlyOnce = false
    /// Its writer's outbox is PostgreSQL's log.
    var usesLog = false

    /// Where the subject's writer keeps its data.
    enum Kind: Sendable {
        case sqlite, postgres, postgresLog
    }

    /// A new subject with a writer's database of that kind.
    static func with(
        _ kind: Kind, publishingExactlyOnce: Bool, _ body: @Sendable (Subject) async throws -> Void
    ) async throws {
        try await with { subject in
            guard kind != .sqlite else {
                return try await body(subject.publishing(exactlyOnce: publishingExactlyOnce, from: nil))
            }
            try await withPostgresDatabase(onOwnServer: kind == .postgresLog) { url in
                var subject = subject.publishing(exactlyOnce: publishingExactlyOnce, from: url)
                subject.usesLog = kind == .postgresLog
                try await body(subject)
            }
        }
    }

    private func publishing(exactlyOnce: Bool, from database: String?) -> Subject {
        Subject(
            writerDatabase: database ?? writerDatabase, readerDatabase: readerDatabase, topic: topic, kafka: kafka,
            publishesExactlyOnce: exactlyOnce)
    }

    /// A new subject with a topic of its own; everything is removed when `body` is done.
    static func with(partitions: Int32 = 2, _ body: @Sendable (Subject) async throws -> Void) async throws {
        try await withKafka { kafka in
            try await withTemporaryFolder { folder in
                let subject = Subject(
                    writerDatabase: folder + "/writer.sqlite", readerDatabase: folder + "/reader.sqlite",
                    topic: "fault-\(UUID().uuidString)", kafka: kafka)
                let admin = try Admin(KafkaConfiguration(kafka), logger: .silent)
                try await admin.createTopics([TopicSpecification(subject.topic, partitions: partitions)])
                try await body(subject)
            }
        }
    }

    // MARK: Processes

    private func process(_ arguments: [String], killAt: String?, stopAt: Step.Point? = nil) throws -> ChildProcess {
        try ChildProcess(
            Programs.buildFolder + "/FaultSubject", arguments + ["--kafka", kafka],
            environment: [
                "TIDINGS_KILL_AT": killAt ?? "", "TIDINGS_STOP_AT": stopAt?.rawValue ?? "",
                "TIDINGS_OUTBOX": usesLog ? "log" : "",
            ])
    }

    /// Publishes and waits for the end.
    ///
    /// - Returns: the exit status; minus the signal that ended it.
    @discardableResult
    func publish(
        _ count: Int, sending: Sending, first: Int = 0, keys: Int = 3, failing: Int? = nil, killAt: String? = nil
    ) async throws -> Int32 {
        var arguments = [
            "publish", "--database", writerDatabase, "--topic", topic, "--sending", sending.rawValue, "--count",
            "\(count)", "--first", "\(first)", "--keys", "\(keys)",
        ]
        if let failing { arguments += ["--fail", "\(failing)"] }
        return try await process(arguments, killAt: killAt).waitForExit()
    }

    func startRelay(
        name: String = "relay", batch: Int = 5, killAt: String? = nil, stopAt: Step.Point? = nil
    ) throws -> ChildProcess {
        let publishing = publishesExactlyOnce ? ["--publishing", "exactly-once"] : []
        return try process(
            ["relay", "--database", writerDatabase, "--name", name, "--batch", "\(batch)"] + publishing,
            killAt: killAt, stopAt: stopAt)
    }

    /// - Parameter poison: a key whose events it cannot handle.
    func startHandler(
        instance: String = "reader", batch: Int = 5, poison: String? = nil, killAt: String? = nil
    ) throws -> ChildProcess {
        try process(
            ["handle", "--database", readerDatabase, "--topic", topic, "--instance", instance, "--batch", "\(batch)"]
                + (poison.map { ["--poison", $0] } ?? []),
            killAt: killAt)
    }

    /// Runs a relay until the outbox is empty.
    func drain() async throws {
        let relay = try startRelay()
        try await untilDrained(relay)
        relay.signal(SIGTERM)
        try await relay.waitForExit()
    }

    /// Waits until everything is out. A log is not seen to be empty, but what was in it is seen in Kafka.
    func untilDrained(_ relay: ChildProcess) async throws {
        try await until("the outbox is empty", relay) {
            guard usesLog else { return try await count("tidings_outbox", in: writerDatabase) == 0 }
            let events = Set(
                try await visibleEvents().compactMap { fact in
                    if case .eventVisible(let event, _, _, _) = fact { event } else { nil }
                })
            return try await events.count >= count("action", in: writerDatabase)
        }
    }

    /// Runs a handler until it has had so many effects.
    func handle(atLeast effects: Int) async throws {
        let handler = try startHandler()
        try await until("\(effects) effects", handler) { try await count("effect", in: readerDatabase) >= effects }
        handler.signal(SIGTERM)
        try await handler.waitForExit()
    }

    /// Freezes a handler anywhere but inside a transaction of its database. There it would hold the one lock that lets
    /// anybody write: others could not go on without it, and it could not become a zombie.
    func freeze(_ handler: ChildProcess) async throws {
        try await until("a moment outside a transaction", handler) {
            try await handler.freeze()
            if try await isWritable(readerDatabase) { return true }
            handler.thaw()
            return false
        }
    }

    private func isWritable(_ database: String) async throws -> Bool {
        var configuration = Configuration()
        configuration.busyMode = .immediateError
        do {
            try await DatabaseQueue(path: database, configuration: configuration).write { db in
                try db.execute(sql: "PRAGMA user_version = 0")
            }
            return true
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            return false
        }
    }

    func until(
        _ what: String, _ process: ChildProcess, _ condition: @escaping @Sendable () async throws -> Bool
    ) async throws {
        try await eventually("\(what)\n\(process.errors.suffix(2000))", condition)
    }

    // MARK: What is known

    private func open(_ database: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        return try DatabaseQueue(path: database, configuration: configuration)
    }

    func count(_ table: String, in database: String) async throws -> Int {
        if database.hasPrefix("postgres://") {
            return try await postgres(database) { db in
                let exists: Bool = try db.query("select to_regclass($1) is not null", table)[0][0]
                return exists ? try db.query("select count(*) from \(table)")[0][0] : 0
            }
        }
        guard FileManager.default.fileExists(atPath: database) else { return 0 }
        return try await open(database).read { db in
            guard try db.tableExists(table) else { return 0 }
            return try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0
        }
    }

    /// Everything that lasts: actions and effects from the databases, events from the topic.
    func history() async throws -> History {
        var history = History()
        for (event, key, sequence) in try await rows("action", in: writerDatabase) {
            history.append(.actionCommitted(event: EventID(event), key: key, sequence: sequence))
        }
        for fact in try await visibleEvents() { history.append(fact) }
        for (event, key, _) in try await rows("effect", in: readerDatabase) {
            history.append(.effect(event: EventID(event), key: key, reader: "reader"))
        }
        return history
    }

    private func rows(_ table: String, in database: String) async throws -> [(String, String, Int64)] {
        guard try await count(table, in: database) > 0 else { return [] }
        if database.hasPrefix("postgres://") {
            return try await postgres(database) { db in
                try db.query("select event, key, sequence from \(table) order by sequence")
                    .map { (try $0[0], try $0[1], try $0[2]) }
            }
        }
        return try await open(database).read { db in
            try Row.fetchAll(db, sql: "SELECT event, key, sequence FROM \(table) ORDER BY sequence")
                .map { ($0[0], $0[1], $0[2]) }
        }
    }

    private func postgres<R: Sendable>(
        _ url: String, _ body: @escaping @Sendable (PostgresTransaction) throws -> R
    ) async throws -> R {
        let pool = PostgresPool(PostgresConfiguration(url), logger: .silent)
        defer { pool.close() }
        return try await pool.transaction(body)
    }

    /// What a reader of committed records sees, up to marks that are sent to the end of each partition: it would wait for
    /// ever for the records of transactions that it is not shown.
    private func visibleEvents() async throws -> [Fact] {
        let configuration = KafkaConfiguration(kafka)
        let admin = try Admin(configuration, logger: .silent)
        let partitions = try await admin.metadata(topics: [topic]).topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic.name, $0.id) }
        }
        let producer = try Producer(ProducerConfiguration(configuration), logger: .silent)
        var ends: [TopicPartition: Int64] = [:]
        for partition in partitions {
            let mark = ProducerMessage(topic: topic, partition: partition.partition, value: nil)
            ends[partition] = try await producer.send(mark).offset
        }
        let consumer = try Consumer(configuration, partitions: ends.mapValues { _ in .beginning }, logger: .silent)
        return try await withThrowingTaskGroup(of: Void.self) { [ends] tasks in
            tasks.addTask { try await consumer.run() }
            defer { tasks.cancelAll() }
            var remaining = ends
            var facts: [Fact] = []
            for try await batch in consumer.batches {
                for record in batch {
                    let delivery = Delivery(
                        topic: record.topic, partition: record.partition, offset: record.offset, key: record.key,
                        value: record.value, headers: record.headers.map { EventHeader($0.name, $0.value) })
                    guard let event = delivery.eventID else { continue }
                    facts.append(
                        .eventVisible(
                            event: event, key: delivery.keyText ?? "", partition: record.partition,
                            offset: record.offset))
                }
                if let end = remaining[batch.partition], batch.nextOffset > end { remaining[batch.partition] = nil }
                if remaining.isEmpty { break }
            }
            return facts
        }
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
