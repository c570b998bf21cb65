/// Publishes events in one of three ways, with one call site for all.
///
/// ```swift
/// let publisher = Publisher(store: store, producer: producer, source: "/shop/order")
/// try await publisher.publish(OrderPlaced(order), to: orders) { db in
///     try order.insert(db)
/// }
/// ```
///
/// The event is an argument and the action a synchronous closure, which receives the local transaction on its
/// connection's own thread; ``Sending`` decides only when and how the event leaves.
public struct Publisher<S: Store>: Sendable {
    /// Where actions happen and the outbox is.
    public let store: S

    /// The context in which events happen, CloudEvents' `source`: an absolute path or URI such as `/shop/order`.
    public let source: String

    private let producer: (any RecordSender)?
    private let probe: (any Probe)?

    /// - Parameters:
    ///   - producer: sends what is not sent through the outbox; nil when everything is.
    ///   - source: the context in which events happen; together with an event's id it is unique.
    ///   - probe: listens to the steps.
    public init(
        store: S, producer: (any RecordSender)? = nil, source: String, probe: (any Probe)? = nil
    ) {
        self.store = store
        self.source = source
        self.producer = producer
        self.probe = probe
    }

    /// Does something in the local database and tells of it.
    ///
    /// - Parameters:
    ///   - event: what happens.
    ///   - id: the event's identity; a second attempt at the same thing passes the same one.
    ///   - topic: where it goes.
    ///   - sending: when and how it leaves.
    ///   - headers: further headers for the record, after the envelope's own. Those of the context that this is called in
    ///     (tracing, correlation and causation) follow.
    ///   - action: runs in the transaction. It may be run again when the database refused the first attempt for a
    ///     conflict, so it has no effects outside the database.
    /// - Returns: what `action` returned.
    /// - Throws: the action's error as it is (`.afterAction`, `.outbox`), or a ``TidingsError`` that says what is
    ///   committed and what is out.
    @discardableResult
    public func publish<E: Event, R: Sendable>(
        _ event: E, id: EventID = EventID(), to topic: Topic<E>, sending: Sending = .outbox,
        headers: [EventHeader] = [], action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        try await publish(record(of: event, id: id, to: topic, headers: headers), sending, action)
    }

    /// Does something in the local database and says that what a key stood for is gone: a *tombstone*, which in a
    /// compacted topic in time deletes all that was ever said of the key, itself included.
    ///
    /// ```swift
    /// try await publisher.publishDeletion(of: customer.id, in: customers) { db in try customer.delete(db) }
    /// ```
    /// Parameters, result and errors are those of ``publish(_:id:to:sending:headers:action:)``.
    @discardableResult
    public func publishDeletion<E: Event, R: Sendable>(
        of key: String, id: EventID = EventID(), in topic: Topic<E>, sending: Sending = .outbox,
        headers: [EventHeader] = [], action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        let record = EventRecord(
            deletionOf: key, id: id, topic: topic, source: source, headers: EventContext.headers(headers))
        return try await publish(record, sending, action)
    }

    private func publish<R: Sendable>(
        _ record: EventRecord, _ sending: Sending, _ action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        switch sending {
        case .afterAction: return try await actThenSend(record, action)
        case .beforeAction: return try await sendThenAct(record, action)
        case .outbox: return try await actAndAppend(record, action)
        }
    }

    /// Appends an event to the outbox inside the caller's own transaction: it leaves if and only if that commits.
    ///
    /// ```swift
    /// try await store.pool.write { db in
    ///     try order.insert(db)
    ///     try publisher.append(OrderPlaced(order), to: orders, in: db)
    /// }
    /// ```
    /// - Throws: ``TidingsError/Code/notInTransaction`` when there is no transaction.
    public func append<E: Event>(
        _ event: E, id: EventID = EventID(), to topic: Topic<E>, headers: [EventHeader] = [],
        in transaction: S.Transaction
    ) throws {
        try store.append(record(of: event, id: id, to: topic, headers: headers), in: transaction)
    }

    /// The record that ``append(_:id:to:headers:in:)`` would append, for whoever appends it by other means.
    ///
    /// - Throws: ``TidingsError/Code/cannotEncode``.
    public func record<E: Event>(
        of event: E, id: EventID = EventID(), to topic: Topic<E>, headers: [EventHeader] = []
    ) throws -> EventRecord {
        try EventRecord(event, id: id, topic: topic, source: source, headers: EventContext.headers(headers))
    }

    /// Appends a tombstone to the outbox inside the caller's own transaction; see ``publishDeletion(of:id:in:sending:headers:action:)``.
    ///
    /// - Throws: ``TidingsError/Code/notInTransaction`` when there is no transaction.
    public func appendDeletion<E: Event>(
        of key: String, id: EventID = EventID(), from topic: Topic<E>, headers: [EventHeader] = [],
        in transaction: S.Transaction
    ) throws {
        let record = EventRecord(
            deletionOf: key, id: id, topic: topic, source: source, headers: EventContext.headers(headers))
        try store.append(record, in: transaction)
    }

    /// Sends a record again, with the same id, after ``TidingsError/Code/committedButNotSent``.
    public func send(_ record: EventRecord) async throws {
        guard let producer else {
            throw TidingsError(.noProducer, "this publisher has no producer: only .outbox can be used", record: record)
        }
        probe?.reached(Step(.sendStarts, [record.eventID]))
        if case .failed(let failure)? = try await producer.send([record]).first { throw failure }
        probe?.reached(Step(.sendAcknowledged, [record.eventID]))
    }

    private func actThenSend<R: Sendable>(
        _ record: EventRecord, _ action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        guard producer != nil else {
            throw TidingsError(.noProducer, "this publisher has no producer: only .outbox can be used", record: record)
        }
        let result = try await act(record, action)
        do {
            try await send(record)
        } catch {
            throw TidingsError(
                .committedButNotSent, "the action is committed, but event \(record.eventID) is not acknowledged",
                record: record, cause: error)
        }
        return result
    }

    private func sendThenAct<R: Sendable>(
        _ record: EventRecord, _ action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        do {
            try await send(record)
        } catch let error as TidingsError {
            throw error
        } catch {
            throw TidingsError(
                .notSent, "event \(record.eventID) is not acknowledged; the action was not run", record: record,
                cause: error, isRetriable: (error as? SendFailure)?.isRetriable ?? false)
        }
        do {
            return try await act(record, action)
        } catch {
            throw TidingsError(
                .sentButActionFailed, "event \(record.eventID) is out, but its action failed: it is a ghost",
                record: record, cause: error)
        }
    }

    private func actAndAppend<R: Sendable>(
        _ record: EventRecord, _ action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        let store = store
        return try await act(record) { transaction in
            let result = try action(transaction)
            try store.append(record, in: transaction)
            return result
        }
    }

    private func act<R: Sendable>(
        _ record: EventRecord, _ action: @escaping @Sendable (S.Transaction) throws -> R
    ) async throws -> R {
        let probe = probe
        probe?.reached(Step(.transactionStarts, [record.eventID]))
        let result = try await store.transaction { transaction in
            let result = try action(transaction)
            probe?.reached(Step(.actionDone, [record.eventID]))
            return result
        }
        probe?.reached(Step(.actionCommitted, [record.eventID]))
        return result
    }
}
