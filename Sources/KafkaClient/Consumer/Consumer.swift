import CRDKafka
import Logging
import ServiceLifecycle

/// Reads records from Kafka, a batch of one partition at a time.
///
/// ```swift
/// let consumer = try Consumer(.init(kafka, groupID: "invoicing"), topics: ["order"], logger: logger)
/// // consumer.run() in a service group, and in another task:
/// for try await batch in consumer.batches {
///     for record in batch { try handle(record) }
///     try await consumer.commit(batch)
/// }
/// ```
///
/// Nothing is committed unless ``commit(_:)-(ConsumerBatch)`` says so, or a start offset in the ``RebalanceHooks`` makes
/// Kafka's offsets needless. Memory is bounded: by ``ConsumerConfiguration/prefetchedBytes`` for each partition.
public final class Consumer: Service, Sendable {
    private enum Source: Sendable {
        case topics([String])
        case partitions([TopicPartition: StartOffset])
    }

    /// The records, in batches. One reader at a time; they come while ``run()`` runs.
    public let batches: ConsumerBatches

    private let thread: ClientThread<ConsumerOwner>
    private let shared: ConsumerShared
    private let mailbox: BatchMailbox
    private let handle: KafkaHandle
    private let hooks: RebalanceHooks
    private let source: Source
    private let groupID: String

    /// A member of a group, for these topics.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public convenience init(
        _ configuration: ConsumerConfiguration, topics: [String], hooks: RebalanceHooks = RebalanceHooks(),
        logger: Logger
    ) throws(KafkaError) {
        try self.init(configuration, source: .topics(topics), hooks: hooks, logger: logger)
    }

    /// A reader of these partitions that belongs to no group: it gets them all, from the offsets given.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public convenience init(
        _ kafka: KafkaConfiguration, partitions: [TopicPartition: StartOffset], logger: Logger
    ) throws(KafkaError) {
        try self.init(
            ConsumerConfiguration(kafka, groupID: kafka.clientID), partitions: partitions, logger: logger)
    }

    /// A reader of these partitions that is no member of any group; the configuration's group is the one that
    /// ``commit(_:)-(ConsumerBatch)`` and ``StartOffset/committed`` speak of.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public convenience init(
        _ configuration: ConsumerConfiguration, partitions: [TopicPartition: StartOffset], logger: Logger
    ) throws(KafkaError) {
        try self.init(configuration, source: .partitions(partitions), hooks: RebalanceHooks(), logger: logger)
    }

    private init(
        _ configuration: ConsumerConfiguration, source: Source, hooks: RebalanceHooks, logger: Logger
    ) throws(KafkaError) {
        let thread = try ClientThread<ConsumerOwner>()
        let handle = try KafkaHandle(
            RD_KAFKA_CONSUMER, properties: configuration.properties, gate: configuration.kafka.gate, logger: logger
        ) {
            native in
            rd_kafka_conf_set_events(
                native, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT)
        }
        let mailbox = BatchMailbox(capacity: configuration.maximumReadyBatches) { thread.wakeUpOwner() }
        let shared = ConsumerShared(thread: thread)
        let owner = ConsumerOwner(
            handle: handle, limits: configuration, mailbox: mailbox,
            outstanding: OutstandingBatches { thread.wakeUpOwner() }, shared: shared, wakeUp: thread.wakeUp,
            logger: logger)
        guard let owner else {
            handle.destroy()
            throw KafkaError(.invalidConfiguration, "a consumer needs a group id")
        }
        self.thread = thread
        self.shared = shared
        self.mailbox = mailbox
        self.handle = handle
        self.hooks = hooks
        self.source = source
        self.groupID = configuration.groupID
        self.batches = ConsumerBatches(mailbox: mailbox)
        try thread.start(name: "kafka-consumer", owner: owner)
    }

    deinit {
        thread.post { $0.abandon() }
    }

    /// Joins the group and lives until graceful shutdown; then the batches end, the reader finishes the one it has in
    /// hand, `revoked` is called, and the group is left (a static member stays in it until its session times out).
    ///
    /// All that has until ``ConsumerConfiguration/shutdownTimeout`` is over. Then calls under way fail with the code
    /// `closed`, a hook that still runs is cancelled, and this returns, whatever the reader, the hooks and the broker
    /// do; each thing that was not waited for is a warning in the log. librdkafka's threads end with the last batch
    /// that is kept somewhere. A commit that failed so may have reached the broker or not.
    ///
    /// When its task is cancelled, `revoked` is not called, nobody waits for the reader, and a hook that runs is
    /// cancelled too; it leaves at once, unless that hook goes on all the same, which gets as long as in a shutdown. May
    /// be called once.
    ///
    /// - Throws: the error that ended the consumer: a ``KafkaError``, or what the `assigned` hook threw.
    public func run() async throws {
        guard shared.start() else { throw KafkaError(.wrongState, "run() of a consumer is called once") }
        let source = source
        thread.post { owner in
            switch source {
            case .topics(let topics): owner.subscribe(topics)
            case .partitions(let starts): owner.assign(starts)
            }
        }
        // No child task: at the deadline this returns even if a hook does not.
        let hooking = Task { [shared, thread, hooks] in await Self.runHooks(hooks, shared, thread) }
        shared.setHookTask(hooking)
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await shared.closed.wait()
            } onGracefulShutdown: { [thread] in
                thread.post { $0.close(abandoning: false) }
            }
        } onCancel: { [thread] in
            hooking.cancel()
            thread.post { $0.abandon() }
        }
        if let failure = shared.failure { throw failure }
    }

    /// Runs the hooks one after the other, until the group has been left or the task is cancelled.
    private static func runHooks(
        _ hooks: RebalanceHooks, _ shared: ConsumerShared, _ thread: ClientThread<ConsumerOwner>
    ) async {
        for await call in shared.hookCalls {
            do {
                try await call.run(hooks)
            } catch {
                // A hook that was cancelled because the consumer ends is no failure of the consumer.
                if !Task.isCancelled { shared.fail(error) }
            }
        }
        shared.hooks.finish()
        thread.post { owner in
            owner.close(abandoning: true)
            owner.abandonRebalance()
        }
    }

    /// The partitions this member has at the moment.
    public var assignment: [TopicPartition] { shared.assignment }

    /// For each partition the offset after the last record handed out; those not read from yet are left out.
    public var positions: [TopicPartition: Int64] { mailbox.positions }

    /// Commits that everything up to the end of `batch` is handled.
    ///
    /// - Throws: ``KafkaError``, for instance `illegalGeneration` when the partition now is another member's.
    public func commit(_ batch: ConsumerBatch) async throws {
        try await commit([batch.partition: batch.nextOffset])
    }

    /// Commits offsets: for each partition the next one to be read.
    ///
    /// - Throws: ``KafkaError``, for instance `illegalGeneration` when a partition now is another member's.
    public func commit(_ offsets: [TopicPartition: Int64]) async throws {
        guard !offsets.isEmpty else { return }
        try await withCheckedThrowingContinuation { continuation in
            let isAlive = thread.post { $0.commit(offsets, continuation) }
            if !isAlive { continuation.resume(throwing: KafkaError.closed("consumer")) }
        }
    }

    /// The group's committed offsets; partitions without one are left out.
    public func committed(_ partitions: [TopicPartition]) async throws -> [TopicPartition: Int64] {
        guard !partitions.isEmpty else { return [:] }
        let groupID = groupID
        return try await withCheckedThrowingContinuation { continuation in
            let isAlive = thread.post { $0.committed(partitions, of: groupID, continuation) }
            if !isAlive { continuation.resume(throwing: KafkaError.closed("consumer")) }
        }
    }

    /// Hands out nothing more of these partitions until ``resume(_:)``. Nothing is lost by it: what was fetched already
    /// is kept, within the prefetch bound. A batch in the reader's hand stays there.
    ///
    /// - Throws: ``KafkaError`` with code `wrongState` if one is not assigned.
    public func pause(_ partitions: [TopicPartition]) async throws {
        try await thread.run { try $0.pause(partitions) }
    }

    /// Where these partitions begin and end, as far as the brokers have told with what was fetched; nothing is asked.
    /// Partitions of which nothing is known yet are left out.
    ///
    /// The end is the high watermark: one past the last record that is kept for certain.
    public func knownWatermarks(_ partitions: [TopicPartition]) async throws -> [TopicPartition: Range<Int64>] {
        try await thread.run { $0.knownWatermarks(partitions) }
    }

    /// Goes on handing out records of these partitions, where it stopped.
    public func resume(_ partitions: [TopicPartition]) async throws {
        try await thread.run { try $0.resume(partitions) }
    }

    /// The next batch of each of these partitions starts at the offset given.
    ///
    /// - Throws: ``KafkaError`` with code `wrongState` if one is not assigned.
    public func seek(_ offsets: [TopicPartition: StartOffset]) async throws {
        guard !offsets.isEmpty else { return }
        try await thread.run { try $0.seek(offsets) }
    }
}
