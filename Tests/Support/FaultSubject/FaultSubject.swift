import Glibc
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings
import TidingsAudit
import UnixSignals

/// A small service for the fault tests to kill: it publishes, relays or handles, as a process of its own.
///
///     fault-subject publish --database FILE --topic T --sending outbox --count 20 [--keys 3] [--kafka HOST:PORT]
///                           [--first 0] [--fail N]
///     fault-subject relay   --database FILE --kafka HOST:PORT --name NAME [--publishing exactly-once]
///     fault-subject handle  --database FILE --kafka HOST:PORT --topic T --instance NAME [--poison KEY]
///     fault-subject view    --database FILE --kafka HOST:PORT --topic T --version N [--snapshot FILE]
///     fault-subject shared-view with the same options
///
/// A database is a file of SQLite's or a `postgres://` URL. `TIDINGS_KILL_AT` names the step at which it kills itself,
/// `TIDINGS_OUTBOX=log` puts the outbox into PostgreSQL's log, `TIDINGS_STOP_AT` names the step
/// at which it freezes. It prints one line for each thing done.
@main struct FaultSubject {
    static func main() async throws {
        let options = try Options(CommandLine.arguments)
        if options.command == "view" { return try await view(options) }
        if options.command == "shared-view" { return try await sharedView(options) }
        let store = try await openStore(options.required("database"))
        switch options.command {
        case "publish": try await publish(options, store)
        case "relay": try await relay(options, store)
        case "handle": try await handle(options, store)
        default: throw Options.Wrong(description: "unknown command \(options.command)")
        }
    }

    private static func publish(_ options: Options, _ store: some SubjectStore) async throws {
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
                    try store.note("action", id, event.key, in: db)
                    if fails { throw ActionFailed() }
                }
                say("published \(number)")
            } catch {
                say("failed \(number): \(error)")
            }
        }
        say("done")
    }

    private static func relay(_ options: Options, _ store: some SubjectStore) async throws {
        let kafka = KafkaConfiguration(try options.required("kafka"))
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = try options.required("name")
        configuration.maximumBatchCount = options.number("batch") ?? 5
        configuration.leaseDuration = .seconds(2)
        let relay = try OutboxRelay(
            store: store, kafka: kafka,
            publishing: options["publishing"] == "exactly-once" ? .exactlyOnce : .atLeastOnce,
            configuration: configuration, probe: try StopProbe.fromEnvironment() ?? KillProbe.fromEnvironment(),
            logger: logger)
        try await ServiceGroup(
            services: [relay, Announcement()], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }

    private static func handle(_ options: Options, _ store: some SubjectStore) async throws {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = options["instance"]
        configuration.sessionTimeout = .seconds(6)
        configuration.maximumBatchCount = options.number("batch") ?? 5
        configuration.offsetCommitInterval = .milliseconds(10)
        configuration.deadLetterInterval = .milliseconds(10)
        let topic = try options.required("topic")
        let subscription = Subscription(
            to: [topic], group: topic + "-readers", store: store,
            kafka: KafkaConfiguration(try options.required("kafka")), configuration: configuration,
            probe: try KillProbe.fromEnvironment(), logger: logger)
        let poison = options["poison"]
        subscription.handle(Happened.self) { event, delivery, db in
            if event.key == poison { throw ActionFailed() }
            try store.note("effect", delivery.eventID ?? "", event.key, in: db)
        }
        try await ServiceGroup(
            services: [subscription, Announcement()], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }

    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    static let logger: Logger = {
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
