import CRDKafka
import Logging

/// What the consumer's thread does, and the one place where polling, rebalancing, seeking, pausing and reading batches
/// come together: in sequence.
///
/// librdkafka tells of a rebalance by an event and then waits; the hooks run in a task that `Consumer.run()` starts, and their
/// answer comes back as a job of this thread, so no thread waits for them.
final class ConsumerOwner: ThreadOwner {
    enum Phase { case idle, running, closing, closed }

    let handle: KafkaHandle
    let mailbox: BatchMailbox
    let outstanding: OutstandingBatches
    let logger: Logger
    let calls = PendingCalls()
    let queue: OpaquePointer
    let wakeUp: WakeUp
    let shared: ConsumerShared
    private let limits: ConsumerConfiguration
    /// In milliseconds, as librdkafka was told.
    private let pollInterval: Int

    var phase = Phase.idle
    /// The partitions of this member, in the order in which they are read next.
    var partitions: [PartitionQueue] = []
    /// Told by librdkafka, not begun yet; at most one is under way.
    var rebalances: [Rebalance] = []
    var rebalancing: Rebalance?
    private var isLeaving = false
    /// Nobody runs hooks any more, or waits for what the reader has in hand.
    var isAbandoned = false
    /// How long closing may take; nil before it began.
    private var deadline: ShutdownDeadline?

    init?(
        handle: KafkaHandle, limits: ConsumerConfiguration, mailbox: BatchMailbox, outstanding: OutstandingBatches,
        shared: ConsumerShared, wakeUp: WakeUp, logger: Logger
    ) {
        rd_kafka_poll_set_consumer(handle.pointer)
        guard let queue = rd_kafka_queue_get_consumer(handle.pointer) else { return nil }
        self.handle = handle
        self.limits = limits
        let interval = limits.properties["max.poll.interval.ms"].flatMap { Int($0) }
        self.pollInterval = interval ?? Int(limits.maximumPollInterval.milliseconds)
        self.mailbox = mailbox
        self.outstanding = outstanding
        self.shared = shared
        self.wakeUp = wakeUp
        self.logger = logger
        self.queue = queue
        wakeUp.listen(to: queue)
    }

    /// A reader that waits for records is alive, and the group must not take its partitions for idleness: the queue is
    /// polled well within the poll interval. Without a reader nothing is due; one that works for too long is found out.
    var patience: Int32 {
        if phase == .closing, let deadline { return deadline.patience(at: .now) }
        guard phase == .running, mailbox.hasReader else { return -1 }
        return Int32(clamping: max(1, pollInterval / 3))
    }

    func serve() -> Bool {
        serveEvents()
        if phase == .closing { watchDeadline() }
        continueRebalance()
        if phase == .running { fill() }
        if phase == .closing { leave() }
        return !(phase == .closed && outstanding.isEmpty)
    }

    func end() {
        calls.failAll(.closed("consumer"))
        rd_kafka_queue_destroy(queue)
        // The group was left before, or will not be.
        handle.destroy(flags: RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }

    // MARK: Reading

    /// Fills the mailbox, taking a batch of each partition in turn.
    private func fill() {
        var empty = 0
        while empty < partitions.count, mailbox.hasRoom {
            let next = partitions.removeFirst()
            partitions.append(next)
            guard next.isReadable else {
                empty += 1
                continue
            }
            switch next.read(limits.maximumBatchSize, in: outstanding) {
            case .batch(let batch):
                empty = 0
                mailbox.put(batch)
            case .failure(let error):
                report(error, of: next)
            case .nothing:
                empty += 1
            }
        }
    }

    // MARK: Events

    private func serveEvents() {
        repeat {
            while let event = rd_kafka_queue_poll(queue, 0) {
                serve(event)
                rd_kafka_event_destroy(event)
            }
        } while rd_kafka_queue_length(queue) > 0
    }

    private func serve(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_REBALANCE:
            let list = rd_kafka_event_topic_partition_list(event)
            rebalances.append(
                Rebalance(
                    isAssignment: rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS,
                    partitions: list?.partitions ?? [],
                    isLost: rd_kafka_assignment_lost(handle.pointer) != 0))
        case RD_KAFKA_EVENT_OFFSET_COMMIT, RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT:
            calls.answer(event)
        case RD_KAFKA_EVENT_ERROR:
            let reason = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            report(KafkaError(rd_kafka_event_error(event), reason))
        case RD_KAFKA_EVENT_FETCH:
            // Every partition has a queue of its own before it is assigned; anything else would be a record skipped.
            fail(KafkaError(.wrongState, "a record came outside its partition's queue", isFatal: true))
        default:
            break
        }
    }

    /// Errors that only a person or a new consumer can mend end the batches; librdkafka retries the others itself.
    /// Those of a partition come after its records.
    private func report(_ error: KafkaError, of partition: PartitionQueue? = nil) {
        if let fatal = handle.fatalError { return fail(fatal) }
        switch rd_kafka_resp_err_t(error.code.rawValue) {
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR__AUTHENTICATION,
            RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
            fail(error, keepingReady: partition != nil)
        default:
            logger.warning("Kafka consumer", metadata: ["error": "\(error)"])
        }
    }

    /// Ends the consumer; if `keepingReady`, after the reader had what is ready for it, as in a shutdown.
    func fail(_ error: any Error, keepingReady: Bool = false) {
        mailbox.end(error, keepingReady: keepingReady)
        shared.fail(error)
        close(abandoning: !keepingReady)
    }

    // MARK: Start and end

    /// Joins the group for these topics.
    func subscribe(_ topics: [String]) {
        guard phase == .idle else { return }
        phase = .running
        let list = PartitionList(topics.map { TopicPartition($0, RD_KAFKA_PARTITION_UA) })
        let error = list.with { rd_kafka_subscribe(handle.pointer, $0) }
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { fail(KafkaError(error, "subscribing to \(topics)")) }
    }

    /// Reads these partitions, without any group.
    func assign(_ starts: [TopicPartition: StartOffset]) {
        guard phase == .idle else { return }
        phase = .running
        open(Array(starts.keys))
        learnLeaders(of: starts)
        let error = PartitionList(starts.mapValues(\.rawValue)).with { rd_kafka_assign(handle.pointer, $0) }
        if error != RD_KAFKA_RESP_ERR_NO_ERROR { fail(KafkaError(error, "reading \(starts.keys.sorted())")) }
    }

    /// Asks who leads the partitions whose first offset must be asked for. Unless librdkafka knows it when they are
    /// assigned, it asks half a second later. If nobody answers soon, that is how it goes.
    private func learnLeaders(of starts: [TopicPartition: StartOffset]) {
        let patience = Int32(clamping: max(1, min(1000, limits.shutdownTimeout.milliseconds / 2)))
        let topics = Set(starts.filter { $0.value.rawValue < 0 }.keys.map(\.topic))
        for name in topics {
            guard let topic = rd_kafka_topic_new(handle.pointer, name, nil) else { continue }
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let error = rd_kafka_metadata(handle.pointer, 0, topic, &metadata, patience)
            if error == RD_KAFKA_RESP_ERR_NO_ERROR { rd_kafka_metadata_destroy(metadata) }
            rd_kafka_topic_destroy(topic)
            if error != RD_KAFKA_RESP_ERR_NO_ERROR { return }
        }
    }

    /// Begins to leave. The group is left once the reader is done with its batch and the hook has returned, for which
    /// both have limited time; when `abandoning`, the reader has none.
    func close(abandoning: Bool) {
        isAbandoned = isAbandoned || abandoning
        guard phase == .idle || phase == .running else { return }
        phase = .closing
        deadline = ShutdownDeadline(limits.shutdownTimeout, from: .now)
        mailbox.end(nil)
        for partition in partitions { partition.isStopped = true }
    }

    /// Begins to leave without anybody: nobody reads what is ready any more, and no hook runs.
    func abandon() {
        close(abandoning: true)
        mailbox.dropReady()
    }

    private func watchDeadline() {
        switch deadline?.stage(at: .now) {
        case .leaving where !isAbandoned || rebalancing != nil:
            if rebalancing != nil {
                logger.warning("the consumer closes without waiting any longer for a rebalance hook")
            } else if mailbox.isInHand(anyOf: Set(partitions.map(\.partition))) {
                logger.warning("the consumer closes without waiting any longer for the reader of a batch")
            }
            isAbandoned = true
            mailbox.dropReady()
            shared.abandonHooks()
            abandonRebalance()
        case .over:
            giveUp()
        default:
            break
        }
    }

    /// The group was not left in time. Its coordinator learns of it when the session times out, unless librdkafka's
    /// own leaving, which goes on for some seconds, still reaches it.
    private func giveUp() {
        logger.warning(
            "the consumer was closed before Kafka confirmed that it left its group",
            metadata: ["group": "\(limits.groupID)", "timeout": "\(limits.shutdownTimeout)"])
        isAbandoned = true
        shared.abandonHooks()
        abandonRebalance()
        continueRebalance()
        // librdkafka stops reading a partition before its queue is closed: it may spin on what a closed queue is sent.
        unassign(partitions.map(\.partition))
        becomeClosed()
    }

    /// Has librdkafka leave the group, once no rebalance waits for its answer: librdkafka 2.0.2 may never end when it is
    /// closed in the middle of one.
    private func leave() {
        if isLeaving {
            if rd_kafka_consumer_closed(handle.pointer) != 0 { becomeClosed() }
            return
        }
        guard rebalancing == nil, rebalances.isEmpty else { return }
        isLeaving = true
        if let error = rd_kafka_consumer_close_queue(handle.pointer, queue) {
            // Fatal, or closed already: librdkafka has nothing to leave.
            logger.debug("closing the consumer", metadata: ["error": "\(KafkaError(consuming: error, ""))"])
            becomeClosed()
        }
    }

    private func becomeClosed() {
        serveEvents()  // the answers that came before the end
        phase = .closed
        for partition in partitions { partition.close() }
        partitions = []
        calls.failAll(.closed("consumer"))
        shared.closed.open()
        shared.hooks.finish()
    }

    func open(_ names: [TopicPartition]) {
        for name in names where !partitions.contains(where: { $0.partition == name }) {
            guard let partition = PartitionQueue(name, handle: handle, wakeUp: wakeUp) else { continue }
            partitions.append(partition)
        }
    }
}
