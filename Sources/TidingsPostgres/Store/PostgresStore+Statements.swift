import Tidings

/// A statement of the outbox's, for a transaction of another driver's.
public struct OutboxStatement: Hashable, Sendable {
    /// The text, with `$1`, `$2`, … for the parameters.
    public var sql: String

    /// The parameters, each with its type and in its binary form.
    public var parameters: [PostgresValue]
}

extension PostgresStore {
    /// What appends records to the outbox within a transaction that is not of this store's pool, but of another driver's on
    /// the same database.
    ///
    /// ```swift
    /// for statement in store.statements(appending: [record]) {
    ///     try await connection.run(statement.sql, statement.parameters)
    /// }
    /// ```
    ///
    /// Run them in this order, in the transaction that the events belong to, *right before its commit*: from the first on,
    /// others that append to the same keys wait for it. Give all records of a transaction at once, in their order: the keys
    /// are locked in an order of their own then, so that no two transactions wait for each other. The records leave if and
    /// only if it commits; then call ``noteAppended()``.
    public func statements(appending records: [EventRecord]) -> [OutboxStatement] {
        var messages = LogAppend()
        if let log { for record in records { messages.append(record, slot: log.slot) } }
        let requests = log == nil ? OutboxAppend.requests(for: records) : messages.requests
        return requests.map { request in
            let parameters = request.parameters.map { value in
                // Text's binary form is the same bytes; its type is said for drivers that do not leave it to the server.
                value.isBinary ? value : PostgresValue.binary(value.bytes ?? [], type: PostgresType.text)
            }
            return OutboxStatement(sql: request.sql, parameters: parameters)
        }
    }

    /// Tells relays, of this process and of others, that something has been appended and is committed. Without it they
    /// notice with their next look (``/Tidings/OutboxRelayConfiguration/pollInterval``).
    public func noteAppended() {
        // Whoever reads the log notices by itself.
        if log == nil { wakeRelays() }
    }

    /// Those of this process, and of others where one of those may have the shard.
    func wakeRelays() {
        outboxSignal.raise()
        if !outboxSignal.reachesEveryRelay { announcer.announce() }
    }
}
