import GRDB
import Glibc
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings
import TidingsAudit
import TidingsSQLite
import UnixSignals

/// A small service for the fault tests to kill: it publishes, relays or handles, as a process of its own.
///
///     fault-subject publish --database FILE --topic T --sending outbox --count 20 [--keys 3] [--kafka HOST:PORT]
///                           [--first 0] [--fail N]
///     fault-subject relay   --database FILE --kafka HOST:PORT --name NAME
///     fault-subject handle  --database FILE --kafka HOST:PORT --topic T --instance NAME
///
/// `TIDINGS_KILL_AT` names the step at which it kills itself. It prints one line for each thing done.
@main struct FaultSubject {
    static func main() async throws {
        let options = try Options(CommandLine.arguments)
        switch options.command {
        case "publish": try await publish(options)
        case "relay": try await relay(options)
        case "handle": try await handle(options)
        default: throw Options.Wrong(description: "unknown command \(options.command)")
        }
    }

    private static func publish(_ options: Options) async throws {
        let store = try openDatabase(options)
        let producer = try options["kafka"].map {
            try Producer(ProducerConfiguration(KafkaConfiguration($0)), logger: logger)
        }
        let publisher = Publisher(
            store: store, producer: producer, source: "/test/subject", probe: try KillProbe.fromEnvironment())
        let topic = Topic<Happened>(try options.required("topic"))
        let sending = Sending(rawValue: options["sending"] ?? "outbox") ?? .outbox
        let first = options.number("first") ?? 0
        let keys = options.number("keys") ?? 3
        for number in first..<first + (options.number("count") ?? 1) {
            let event = Happened(number: number, key: "k\(number % keys)")
            let id = EventID("e\(number)")
            let fails = options.number("fail") == number
            do {
                try await publisher.publish(event, id: id, to: topic, sending: sending) { db in
                    try db.execute(
                        sql: "INSERT INTO action (event, key) VALUES (?, ?)", arguments: [id.rawValue, event.key])
                    if fails { throw ActionFailed() }
                }
                say("published \(number)")
            } catch {
                say("failed \(number): \(error)")
            }
        }
        say("done")
    }

    private static func relay(_ options: Options) async throws {
        let store = try openDatabase(options)
        let producer = try Producer(.relay(KafkaConfiguration(try options.required("kafka"))), logger: logger)
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = try options.required("name")
        configuration.maximumBatchCount = options.number("batch") ?? 5
        let relay = OutboxRelay(
            store: store, producer: producer, configuration: configuration, probe: try KillProbe.fromEnvironment(),
            logger: logger)
        try await ServiceGroup(
            services: [producer, relay, Announcement()], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }

    private static func handle(_ options: Options) async throws {
        let store = try openDatabase(options)
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = options["instance"]
        configuration.sessionTimeout = .seconds(6)
        configuration.maximumBatchCount = options.number("batch") ?? 5
        configuration.offsetCommitInterval = .milliseconds(10)
        let topic = try options.required("topic")
        let subscription = Subscription(
            to: [topic], group: topic + "-readers", store: store,
            kafka: KafkaConfiguration(try options.required("kafka")), configuration: configuration,
            probe: try KillProbe.fromEnvironment(), logger: logger)
        subscription.handle(Happened.self) { event, delivery, db in
            try db.execute(
                sql: "INSERT INTO effect (event, key) VALUES (?, ?)",
                arguments: [delivery.eventID?.rawValue, event.key])
        }
        try await ServiceGroup(
            services: [subscription, Announcement()], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }

    /// Without a unique key in either table: what comes twice shows.
    private static func openDatabase(_ options: Options) throws -> SQLiteStore {
        let store = try SQLiteStore(path: try options.required("database"))
        try store.pool.write { db in
            for table in ["action", "effect"] {
                try db.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS \(table)
                            (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, key TEXT NOT NULL)
                        """)
            }
        }
        return store
    }

    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static let logger: Logger = {
        var logger = Logger(label: "fault-subject") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        return logger
    }()
}

/// What the subject's events tell.
struct Happened: Event {
    static let eventType = "test.happened"
    var number: Int
    var key: String
}

struct ActionFailed: Error {}

/// Says that signals are heard from now on.
struct Announcement: Service {
    func run() async throws {
        FaultSubject.say("ready")
        try? await gracefulShutdown()
    }
}
