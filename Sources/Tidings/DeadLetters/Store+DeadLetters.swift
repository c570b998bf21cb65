extension Store {
    /// Has the subscription try a parked record again, and then those of its key that are parked behind it, first one
    /// first, until none is left or one fails again.
    ///
    /// ```swift
    /// try await store.transaction { db in
    ///     for letter in try store.deadLetters(.causes(after: 0, limit: 100), in: db) {
    ///         try store.retryDeadLetter(letter.number, in: db)
    ///     }
    /// }
    /// ```
    /// Whichever member of the group has the partition sees to it within ``SubscriptionConfiguration/deadLetterInterval``,
    /// between other records of the partition. Each has its effect in one transaction with its removal from here. One that
    /// fails again stays, with the new reason, and those behind it stay with it.
    ///
    /// - Returns: how many of its key are parked, itself included, and will be tried if none fails.
    /// - Throws: ``TidingsError/Code/notParked``, also when an earlier record of the key is parked.
    @discardableResult
    public func retryDeadLetter(_ number: Int64, in transaction: Transaction) throws -> Int {
        let letters = try deadLetters(from: number, in: transaction)
        try setRetrying(true, number, in: transaction)
        return letters.count
    }

    /// Gives a parked record up: it will have no effect, and only a trace of it is kept
    /// (``skippedDeadLetters(after:limit:in:)``). What is parked behind it is tried, as with ``retryDeadLetter(_:in:)``.
    ///
    /// - Parameter note: who gives it up and why.
    /// - Returns: how many of its key were parked, itself included.
    /// - Throws: ``TidingsError/Code/notParked``, also when an earlier record of the key is parked.
    @discardableResult
    public func skipDeadLetter(_ number: Int64, note: String, in transaction: Transaction) throws -> Int {
        let letters = try deadLetters(from: number, in: transaction)
        try keepSkipped(letters[0], note: note, in: transaction)
        _ = try removeParked([letters[0].record.offset], of: letters[0].record.place, in: transaction)
        if letters.count > 1 { try setRetrying(true, letters[1].number, in: transaction) }
        return letters.count
    }

    /// The next of a letter's key is to be tried, once the letter itself is gone.
    ///
    /// - Returns: that one; nil when none of the key is left.
    func retryNext(after letter: DeadLetter, in transaction: Transaction) throws -> DeadLetter? {
        guard let key = letter.record.key else { return nil }
        let next = try deadLetters(.key(key, of: letter.record.place, limit: 1), in: transaction).first
        if let next { try setRetrying(true, next.number, in: transaction) }
        return next
    }

    /// The letter of that number, which must be the first of its key, and those behind it. From here on no record of the
    /// partition is handled, and so none parked behind a letter that is about to go, until the transaction ends.
    private func deadLetters(from number: Int64, in transaction: Transaction) throws -> [DeadLetter] {
        guard let place = try deadLetters(.letter(number), in: transaction).first?.record.place else {
            throw TidingsError.notParked(number)
        }
        try lockHandling(of: place, in: transaction)
        guard let letter = try deadLetters(.letter(number), in: transaction).first else {
            throw TidingsError.notParked(number)
        }
        guard let key = letter.record.key else { return [letter] }
        let all = try deadLetters(.key(key, of: place, limit: .max), in: transaction)
        guard let first = all.first, first.number == number else {
            throw TidingsError(
                .notParked,
                "record \(number) is parked behind \(all.first?.number ?? 0): retry or skip that one first")
        }
        return all
    }
}

extension TidingsError {
    fileprivate static func notParked(_ number: Int64) -> TidingsError {
        TidingsError(.notParked, "no record with the number \(number) is parked")
    }
}
