import CRDKafka
import Logging
import ServiceLifecycle

/// Sends records to Kafka: many at a time, one `await` for all of them.
///
/// ```swift
/// let producer = try Producer(.init(KafkaConfiguration("localhost:9092")), logger: logger)
/// let reports = try await producer.send(messages)          // one report per message, in the order of the messages
/// for case .failure(let error) in reports { logger.error("not sent: \(error)") }
/// ```
///
/// Sending works as soon as there is a producer. As a `Service`, ``run()`` lives until graceful shutdown, refuses new
/// messages from then on, waits for the fate of all it has taken, and closes. Without `run()`, releasing the producer
/// closes it; what nobody waits for any more is given up.
///
/// Any number of tasks may send at once. Messages of one task keep their order within a partition; messages of several
/// tasks are interleaved. When as many messages are under way as the configuration allows, `send` waits for deliveries.
public final class Producer: Service, Sendable {
    private let thread: ClientThread<ProducerOwner>
    private let room: ProducerRoom
    private let enqueuer: MessageEnqueuer
    private let handle: KafkaHandle
    private let shutdownTimeout: Duration

    /// A producer with this configuration; the connection is made when it is needed.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public init(_ configuration: ProducerConfiguration, logger: Logger) throws(KafkaError) {
        let thread = try ClientThread<ProducerOwner>()
        let handle = try KafkaHandle(
            RD_KAFKA_PRODUCER, properties: configuration.properties, gate: configuration.kafka.gate, logger: logger
        ) {
            native in
            rd_kafka_conf_set_dr_msg_cb(native, DeliveryTally.callback)
        }
        let enqueuer = MessageEnqueuer(handle: handle, topics: TopicHandles(handle))
        let room = ProducerRoom { thread.wakeUpOwner() }
        guard let owner = ProducerOwner(handle: handle, room: room, enqueuer: enqueuer, wakeUp: thread.wakeUp) else {
            handle.destroy()
            throw KafkaError(.wrongState, "librdkafka gave no queue")
        }
        self.thread = thread
        self.room = room
        self.handle = handle
        self.shutdownTimeout = configuration.shutdownTimeout
        self.enqueuer = enqueuer
        try thread.start(name: "kafka-producer", owner: owner)
    }

    deinit {
        room.close()
    }

    /// Sends all `messages` and waits until the fate of each is known.
    ///
    /// - Returns: one report per message, in the order of the messages. A failed message does not stop the others;
    ///   ``DeliveryReports/firstFailure`` tells whether any did.
    /// - Throws: `CancellationError` when the task is cancelled: messages not yet taken are not sent, those under way
    ///   may or may not arrive. ``KafkaError`` with code `closed` if the producer was closed before; if it is closed
    ///   meanwhile, that is in the reports, see ``run()``.
    public func send(_ messages: [ProducerMessage]) async throws -> DeliveryReports {
        guard !messages.isEmpty else { return DeliveryReports(PendingSend(count: 0) { _ in }, [], fatal: nil) }
        try room.add(messages.count)
        let pending = PendingSend(count: messages.count) { [room] count in room.settled(count) }
        let reached = messages.count > Self.fewMessages ? 0 : enqueueAtOnce(messages, for: pending)
        if reached < messages.count {
            let load = ProducerOwner.Load(messages: messages, next: reached, pending: pending)
            let isAlive = thread.post { $0.add(load) }
            if !isAlive { pending.fail(from: reached, with: RD_KAFKA_RESP_ERR__DESTROY) }
        }
        try await pending.wait()
        let fatal = pending.hasFailures ? room.inside { handle.fatalError } ?? nil : nil
        return DeliveryReports(pending, messages, fatal: fatal)
    }

    /// So few are put into librdkafka's queue by the caller itself, to spare it the way to the producer's thread.
    private static let fewMessages = 16

    /// Enqueues what there is room for, unless others wait for room; returns the index of the first that found none.
    private func enqueueAtOnce(_ messages: [ProducerMessage], for pending: PendingSend) -> Int {
        guard !room.isFull else { return 0 }
        return room.inside { enqueuer.enqueue(messages, messages.indices, for: pending) } ?? 0
    }

    /// Sends one message and waits until it is acknowledged.
    ///
    /// Awaiting one message after another costs a round trip each; give many to ``send(_:)-([ProducerMessage])``.
    ///
    /// - Throws: ``KafkaError`` if it was not acknowledged; `CancellationError`.
    @discardableResult
    public func send(_ message: ProducerMessage) async throws -> RecordMetadata {
        try await send([message])[0].get()
    }

    /// How many messages were given to `send` and have no known fate yet.
    public var unsettled: Int { room.unsettled }

    /// Waits until the fate of every message taken so far, and of those taken meanwhile, is known.
    public func flush() async throws {
        try await room.empty()
    }

    /// Lives until graceful shutdown, then refuses new messages, flushes for as long as
    /// ``ProducerConfiguration/shutdownTimeout`` allows, and closes. When its task is cancelled it closes at once.
    ///
    /// Messages without a known fate then fail: with the code `purgedInFlight` if they were on their way (the broker may
    /// have them or not), with `purged` if they were in the queue, with `closed` if they were waiting for room in it.
    public func run() async throws {
        try? await gracefulShutdown()
        room.refuse()
        await withTaskGroup(of: Void.self) { [shutdownTimeout] tasks in
            tasks.addTask { try? await self.flush() }
            tasks.addTask { try? await Task.sleep(for: shutdownTimeout) }
            await tasks.next()
            tasks.cancelAll()
        }
        await close()
    }

    /// Refuses messages, gives up what is under way, and ends the thread.
    func close() async {
        room.close()
        await thread.ended.wait()
    }

    /// Has the producer's thread run `body`, which may block.
    func onThread(_ body: @escaping @Sendable (ProducerOwner) throws -> Void) async throws {
        try await thread.run(body)
    }
}
