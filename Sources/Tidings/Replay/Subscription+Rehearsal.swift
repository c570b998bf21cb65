import KafkaClient

/// What came of handling history without any effect.
public struct Rehearsal: Sendable {
    /// A record that its handler did not manage.
    public struct Failure: Sendable {
        /// The partition it stands in.
        public let partition: TopicPartition
        /// Its place there.
        public let offset: Int64
        /// The event's identity, if it has one.
        public let eventID: EventID?
        /// Why, in words.
        public let reason: String
    }

    /// How many records their handlers managed.
    public internal(set) var handled = 0
    /// How many have no handler, and are passed over.
    public internal(set) var passedOver = 0
    /// How many their handlers did not manage: so many would be parked.
    public internal(set) var failed = 0
    /// The first of those, at most a hundred.
    public internal(set) var failures: [Failure] = []

    /// How many offsets have been read, and how many there are to be read.
    public internal(set) var read: Int64 = 0
    public internal(set) var total: Int64 = 0
}

extension Subscription {
    /// Runs the handlers over history, from a point to another, and undoes all they do: nothing of it remains in the
    /// database, no offset moves, nothing is parked. It shows whether the handlers of this version, with the database
    /// as it is now, would manage a replay.
    ///
    /// ```swift
    /// let rehearsal = try await subscription.rehearse(from: .beginning) { print($0.read, "of", $0.total) }
    /// for failure in rehearsal.failures { print(failure.partition, failure.offset, failure.reason) }
    /// ```
    ///
    /// The records of each partition are handled in order, as many at a time as share a transaction when it is busy;
    /// each such transaction sees the database as it is, without what those before it did. Asynchronous stages run, and
    /// what they do elsewhere is done. The group's members may run meanwhile; on SQLite they wait for each transaction.
    ///
    /// - Parameters:
    ///   - partitions: those to read; nil is all of the subscription's topics.
    ///   - start: where reading starts.
    ///   - end: where it ends; by default where the partitions end now.
    ///   - progress: told after each transaction.
    /// - Throws: ``/KafkaClient/KafkaError``; an error of the database that is not a handler's; `CancellationError`.
    public func rehearse(
        in partitions: [TopicPartition]? = nil, from start: LogPoint, until end: LogPoint = .end,
        progress: (Rehearsal) -> Void = { _ in }
    ) async throws -> Rehearsal {
        let admin = try Admin(kafka, logger: logger)
        let partitions = if let partitions { partitions } else { try await allPartitions(admin) }
        let starts = try await admin.offsets(at: start, in: partitions)
        let ends = try await admin.offsets(at: end, in: partitions)
        let reader = BoundedReader(
            kafka: kafka, name: "\(group)-rehearsal", maximumBatchCount: configuration.maximumBatchCount, logger: logger
        )
        var rehearsal = Rehearsal()
        rehearsal.total = starts.reduce(0) { $0 + max(0, ends[$1.key, default: 0] - $1.value) }
        var positions = starts
        try await reader.read(from: starts, to: ends) { batch in
            let end = ends[batch.partition] ?? 0
            let deliveries = batch.prefix { $0.offset < end }.map { record in
                var delivery = Delivery(record)
                delivery.isReplayed = true
                return delivery
            }
            try await rehearse(deliveries, &rehearsal)
            let reached = min(end, batch.reachesEnd ? end : batch.nextOffset)
            rehearsal.read += max(0, reached - (positions[batch.partition] ?? reached))
            positions[batch.partition] = reached
            progress(rehearsal)
            return true
        }
        return rehearsal
    }

    func allPartitions(_ admin: Admin) async throws -> [TopicPartition] {
        try await admin.metadata(topics: topics).topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic.name, $0.id) }
        }
    }

    private struct UndoneHandling: Error {}

    private struct HandlerFailure: Error {
        var index: Int
        var error: any Error
    }

    private typealias Work = HandlerTable<S.Transaction>.Work

    private func rehearse(_ deliveries: [Delivery], _ rehearsal: inout Rehearsal) async throws {
        let codecs = CodecTable(configuration.codecs, versions: configuration.versions)
        var prepared: [(delivery: Delivery, work: Work)] = []
        for delivery in deliveries {
            guard let handler = handlers.handler(for: delivery, configuration.versions) else {
                rehearsal.passedOver += 1
                continue
            }
            do {
                prepared.append((delivery, try await handler(delivery, codecs)))
            } catch {
                try Task.checkCancellation()
                rehearsal.note(error, delivery)
            }
        }
        while !prepared.isEmpty {
            let works = prepared.map(\.work)
            do {
                let _: Void = try await store.transaction { transaction in
                    for (index, work) in works.enumerated() {
                        do {
                            try work(transaction)
                        } catch {
                            throw HandlerFailure(index: index, error: error)
                        }
                    }
                    throw UndoneHandling()
                }
            } catch is UndoneHandling {
                rehearsal.handled += works.count
                return
            } catch let failure as HandlerFailure {
                if store.isRetriable(failure.error) { throw failure.error }
                rehearsal.handled += failure.index
                rehearsal.note(failure.error, prepared[failure.index].delivery)
                prepared.removeFirst(failure.index + 1)
            }
        }
    }
}

extension Rehearsal {
    fileprivate mutating func note(_ error: any Error, _ delivery: Delivery) {
        failed += 1
        guard failures.count < 100 else { return }
        failures.append(
            Failure(
                partition: TopicPartition(delivery.topic, delivery.partition), offset: delivery.offset,
                eventID: delivery.eventID, reason: "\(error)"))
    }
}
