extension Store {
    /// Lets a parked event try again, and with it what is parked behind it: they return to the outbox in their order, and
    /// what waits there of their key lines up behind them.
    ///
    /// ```swift
    /// try await store.transaction { db in
    ///     for event in try store.parkedEvents(.causes(after: 0, limit: 100), in: db) {
    ///         try store.retryParked(event.sequence, in: db)
    ///     }
    /// }
    /// ```
    /// They get new numbers and new stamps, since it is known that they did not go. All of the key are held in memory for
    /// a moment. On PostgreSQL, transactions that append to the key meanwhile wait for this one.
    ///
    /// - Returns: how many events were parked and are not any more.
    /// - Throws: ``TidingsError/Code/notParked``, also when an earlier event of the key is parked.
    @discardableResult
    public func retryParked(_ sequence: Int64, in transaction: Transaction) throws -> Int {
        try lockParking(in: transaction)
        let parked = try parkedEvents(from: sequence, in: transaction)
        try unpark(parked, returning: parked, in: transaction)
        return parked.count
    }

    /// Gives a parked event up: it will never be sent, and only a trace of it is kept (``skippedEvents(after:limit:in:)``).
    /// What is parked behind it returns to the outbox, as with ``retryParked(_:in:)``.
    ///
    /// - Parameter note: who gives it up and why.
    /// - Returns: how many events were parked and are not any more.
    /// - Throws: ``TidingsError/Code/notParked``, also when an earlier event of the key is parked.
    @discardableResult
    public func skipParked(_ sequence: Int64, note: String, in transaction: Transaction) throws -> Int {
        try lockParking(in: transaction)
        let parked = try parkedEvents(from: sequence, in: transaction)
        try keepSkipped(parked[0], note: note, in: transaction)
        try unpark(parked, returning: parked.dropFirst(), in: transaction)
        return parked.count
    }

    /// The event of that number, which must be the first of its key that is parked, and those behind it.
    private func parkedEvents(from sequence: Int64, in transaction: Transaction) throws -> [ParkedEvent] {
        guard let event = try parkedEvents(.event(sequence), in: transaction).first else {
            throw TidingsError(.notParked, "no event with the number \(sequence) is parked")
        }
        guard let key = event.record.key else { return [event] }
        let all = try parkedEvents(.key(key, topic: event.record.topic), in: transaction)
        if let first = all.first, first.sequence != sequence {
            throw TidingsError(
                .notParked, "event \(sequence) is parked behind \(first.sequence): retry or skip that one first",
                record: event.record)
        }
        return all.isEmpty ? [event] : all
    }

    private func unpark(
        _ events: [ParkedEvent], returning: some Sequence<ParkedEvent>, in transaction: Transaction
    ) throws {
        guard let first = events.first?.record else { return }
        try removeParked(events.map(\.sequence), in: transaction)
        // All of the key get new numbers: what a relay has claimed meanwhile as standing behind the parked one must not
        // be parked any more, and finds its number gone.
        let waiting = first.key == nil ? [] : try takeWaiting(like: first, in: transaction)
        for record in returning.map(\.record) + waiting { try putBack(record, in: transaction) }
    }
}
