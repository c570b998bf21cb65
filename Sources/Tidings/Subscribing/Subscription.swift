import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// A consumer group's handlers: each event has one effect in the local database, whatever crashes in between.
///
/// ```swift
/// let subscription = Subscription(to: ["order"], group: "invoicing", store: store, kafka: kafka, logger: logger)
/// subscription.handle(OrderPlaced.self) { event, delivery, db in
///     try Invoice(for: event).insert(db)
/// }
/// try await subscription.run()
/// ```
///
/// A handler's rows and the partition's offset go into one local transaction, with a compare-and-set on the stored
/// offset: neither a redelivery nor an instance that has lost its partition without knowing (a zombie) has a second
/// effect. On assignment the subscription resumes from the offset in the database; where that
/// has none, at the beginning (``SubscriptionConfiguration/firstStart``).
///
/// Partitions are handled at the same time, and each in several lanes where the database has use for that
/// (``SubscriptionConfiguration/lanes``): events of one key have their effects in order, those of different keys in any.
/// When busy, several events share a transaction; one that fails is found and has its own.
///
/// That holds for effects in *this* database. An e-mail sent from a handler is sent at least once; to make it one
/// effect, let the handler write the wish to send it into a table, with the event's id as the key.
///
/// A handler runs in its event's context: that of its trace, and with the ids of correlation and causation; what it
/// publishes carries them on.
public final class Subscription<S: Store>: Service {
    /// The Kafka topics' names.
    public let topics: [String]

    /// The consumer group.
    public let group: String

    /// Where effects and offsets go.
    public let store: S

    let handlers = HandlerTable<S.Transaction>()
    let kafka: KafkaConfiguration
    let configuration: SubscriptionConfiguration
    let logger: Logger
    private let clock: any Clock<Duration>
    private let probe: (any Probe)?

    /// - Parameters:
    ///   - topics: the Kafka topics' names.
    ///   - group: the consumer group; its members share the partitions, and the database.
    ///   - store: where effects and offsets go.
    ///   - kafka: where to receive from.
    ///   - configuration: how to handle what is received.
    ///   - clock: paces attempts.
    ///   - probe: listens to the steps.
    public init(
        to topics: [String], group: String, store: S, kafka: KafkaConfiguration,
        configuration: SubscriptionConfiguration = SubscriptionConfiguration(),
        clock: any Clock<Duration> = ContinuousClock(), probe: (any Probe)? = nil, logger: Logger
    ) {
        self.topics = topics
        self.group = group
        self.store = store
        self.kafka = kafka
        self.configuration = configuration
        self.clock = clock
        self.probe = probe
        self.logger = logger
    }

    /// Receives and handles until graceful shutdown, when the batch in hand is finished, or cancellation.
    ///
    /// - Throws: a database error or a Kafka error that will not pass by itself;
    ///   ``TidingsError/Code/offsetBeyondLog``; ``TidingsError/Code/historyMissing`` when Kafka has deleted records that
    ///   this group has not handled (``SubscriptionConfiguration/onMissingHistory``);
    ///   ``TidingsError/Code/topicDiffers`` (``SubscriptionConfiguration/declares``).
    public func run() async throws {
        if !configuration.declares.isEmpty {
            let admin = try Admin(kafka, logger: logger)
            try await TopicDeclaration.ensure(configuration.declares, admin, configuration.backoff, clock, logger)
        }
        let member = GroupMember(
            topics: topics, group: group, kafka: kafka, handling: makeHandling(), clock: clock, logger: logger)
        try await member.run()
    }

    func makeHandling() -> PartitionHandling<S> {
        PartitionHandling(
            store: store, handlers: handlers, configuration: configuration, clock: clock, probe: probe, logger: logger,
            metrics: SubscriptionMetrics(group: group))
    }

    /// Handles the events of a type, in the order of each key. Register before `run()`.
    ///
    /// The closure runs on the connection's own thread, inside the transaction. When it throws, nothing of it remains;
    /// an error that may pass is tried again, any other parks the record with its reason
    /// (``SubscriptionConfiguration/deadLetters``) until somebody has it tried again or skips it. The closure may run again
    /// when a transaction did not commit, so it has no effects outside the database.
    public func handle<E: Event>(
        _ type: E.Type, _ body: @escaping @Sendable (E, Delivery, S.Transaction) throws -> Void
    ) {
        handlers.add(type) { delivery, codecs in
            let event = try codecs.decode(type, from: delivery)
            return { transaction in try body(event, delivery, transaction) }
        }
    }

    /// Handles the events of a type with an asynchronous stage before the transaction: for what must be asked
    /// elsewhere first. `prepare` may run more than once for an event.
    public func handle<E: Event, P: Sendable>(
        _ type: E.Type, prepare: @escaping @Sendable (E, Delivery) async throws -> P,
        _ body: @escaping @Sendable (E, P, Delivery, S.Transaction) throws -> Void
    ) {
        handlers.add(type) { delivery, codecs in
            let event = try codecs.decode(type, from: delivery)
            let prepared = try await prepare(event, delivery)
            return { transaction in try body(event, prepared, delivery, transaction) }
        }
    }

    /// Handles every record that no other handler takes: of other types, or plain ones without an envelope.
    ///
    /// Without such a handler these records are passed over.
    public func handleOthers(_ body: @escaping @Sendable (Delivery, S.Transaction) throws -> Void) {
        handlers.addFallback { delivery, _ in { transaction in try body(delivery, transaction) } }
    }
}
