import Foundation
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings
import TidingsAudit
import TidingsPostgres
import TidingsSQLite
import UnixSignals

/// The parts of a system under test, each a process: a service that publishes, its relay, a reader, and those who ask.
///
/// ```
/// subject publish       --database D --topic T --kafka K --way W --first N --count N [--pace MS] [--fail-every N]
/// subject relay         --database D --kafka K --way W
/// subject handle        --database D --topic T --kafka K
/// subject await-outbox  --database D
/// subject await-effects --database D --count N
/// subject load          --database D --topic T --kafka K --way W --output FILE [--rate N] [--duration MS] …
/// subject hold          --database D --milliseconds MS
/// subject facts         --database D --table action|effect --reader NAME
/// subject forget        --database D
/// ```
/// A database is a file of SQLite's, or a `postgres://` URL with a `--schema`. `TIDINGS_KILL_AT` names the step at which
/// a part kills itself. It prints one line for each thing done, and ends when its standard input does.
public enum Subject {
    /// Plays the part that the arguments name.
    ///
    /// - Throws: what keeps it from being played.
    public static func run(_ arguments: [String]) async throws {
        let options = try SubjectOptions(arguments.dropFirst())
        if arguments.first == "forget" { return try await forget(options) }
        let store = try await open(options)
        switch arguments.first {
        case "publish": try await publish(options, store)
        case "relay": try await relay(options, store)
        case "handle": try await handle(options, store)
        case "await-outbox": try await awaitEmptyOutbox(store)
        case "await-effects": try await awaitEffects(options, store)
        case "load": try await load(options, store)
        case "hold": try await store.hold(for: options.milliseconds("milliseconds") ?? .seconds(1))
        case "facts": try await printFacts(options, store)
        default: throw SubjectError("unknown part \(arguments.first ?? "")")
        }
    }

    private static func open(_ options: SubjectOptions) async throws -> any TrialStore {
        let database = try options.required("database")
        guard database.hasPrefix("postgres") else {
            // A publisher gives up soon, so that a database that is away is seen to be.
            return try await SQLiteStore.forTrial(
                database, busyTimeout: options["way"] == nil ? .seconds(10) : .milliseconds(300))
        }
        return try await PostgresStore.forTrial(database, schema: options.required("schema"), logger: logger)
    }

    private static func forget(_ options: SubjectOptions) async throws {
        guard let schema = options["schema"] else { return }
        try await PostgresStore.dropTrial(options.required("database"), schema: schema, logger: logger)
    }

    // MARK: Playing

    private static func publish(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        let way = try options.way()
        var configuration = ProducerConfiguration(SubjectKafka.at(try options.required("kafka")))
        configuration.deliveryTimeout = try options.milliseconds("delivery-timeout") ?? .seconds(20)
        let producer = way.usesRelay ? nil : try Producer(configuration, logger: logger)
        let publisher = Publisher(
            store: store, producer: producer, source: "/tidings/subject", probe: try KillProbe.fromEnvironment())
        let topic = Topic<Happened>(try options.required("topic"))
        let first = try options.number("first") ?? 0
        let failing = try options.number("fail-every")
        let pace = try options.milliseconds("pace")
        for number in first..<first + (try options.number("count") ?? 1) {
            let event = Happened(number: number, key: "k\(number % 3)")
            let id = EventID("e\(number)")
            let fails = failing.map { number % $0 == $0 - 1 } ?? false
            say("starting \(number)")
            do {
                try await publisher.publish(event, id: id, to: topic, sending: way.sending) { db in
                    try store.note(.action, id, event.key, in: db)
                    if fails { try store.breakConstraint(id, in: db) }
                }
                say("published \(number) \(event.key)")
            } catch {
                say("failed \(number): \(error)")
            }
            if let pace { try await Task.sleep(for: pace) }
        }
    }

    private static func relay(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = "relay"
        configuration.maximumBatchCount = 5
        configuration.leaseDuration = .seconds(2)
        configuration.pollInterval = .milliseconds(20)
        configuration.backoff = Backoff(first: .milliseconds(20), longest: .milliseconds(500))
        let relay = try OutboxRelay(
            store: store, kafka: SubjectKafka.at(options.required("kafka")), publishing: options.way().publishing,
            configuration: configuration, probe: try KillProbe.fromEnvironment(), logger: logger)
        try await serve(relay)
    }

    private static func handle(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = "reader"
        configuration.sessionTimeout = .seconds(6)
        configuration.maximumBatchCount = 5
        configuration.offsetCommitInterval = .milliseconds(10)
        configuration.backoff = Backoff(first: .milliseconds(20), longest: .milliseconds(500))
        let topic = try options.required("topic")
        let subscription = Subscription(
            to: [topic], group: topic + "-readers", store: store,
            kafka: SubjectKafka.at(try options.required("kafka")), configuration: configuration,
            probe: try KillProbe.fromEnvironment(), logger: logger)
        subscription.handle(Happened.self) { event, delivery, db in
            try store.note(.effect, delivery.eventID ?? "", event.key, in: db)
        }
        try await serve(subscription)
    }

    private static func serve(_ service: some Service) async throws {
        try await ServiceGroup(services: [service], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }

    // MARK: Asking

    private static func awaitEmptyOutbox(_ store: some TrialStore) async throws {
        try await look(store) { db in try store.outboxIsEmpty(in: db) }
    }

    private static func awaitEffects(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        let count = try options.number("count") ?? 0
        try await look(store) { db in try Set(store.notes(.effect, in: db).map(\.event)).count >= count }
    }

    /// Looks every few milliseconds: nobody tells a third process of a commit. A database that is away comes back.
    static func look<S: TrialStore>(
        _ store: S, _ isTrue: @escaping @Sendable (S.Transaction) throws -> Bool
    ) async throws {
        while true {
            do {
                if try await store.transaction(isTrue) { return }
            } catch  where store.isRetriable(error) {}
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func printFacts(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        guard let table = NoteTable(rawValue: try options.required("table")) else {
            throw SubjectError("there is no such table")
        }
        let reader = options["reader"] ?? "reader"
        for note in try await store.transaction({ try store.notes(table, in: $0) }) {
            let fact: Fact =
                switch table {
                case .action: .actionCommitted(event: note.event, key: note.key, sequence: note.sequence)
                case .effect: .effect(event: note.event, key: note.key, reader: reader)
                }
            say(String(decoding: try JSONEncoder().encode(fact), as: UTF8.self))
        }
    }

    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    static let logger: Logger = {
        var logger = Logger(label: "subject") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        return logger
    }()
}

/// What the subject's events tell.
struct Happened: Event {
    static let eventType = "tidings.subject.happened"
    var number: Int
    var key: String
}
