/// Kafka's transactions, as far as a relay needs them.
protocol BatchTransactions: Sendable {
    /// Becomes the one sender of a shard: others are fenced, and what they left open is committed or aborted to the end.
    ///
    /// - Throws: `SendFailure`; `CancellationError`.
    func open(_ source: StampSource) async throws -> any BatchChannel
}

/// The way of one shard's batches into Kafka. One batch at a time; after an error it is of no further use.
protocol BatchChannel: Sendable {
    /// The number of the last batch with records of one of these topics that is committed; nil if none is.
    ///
    /// - Throws: `SendFailure`; `CancellationError`.
    func lastCommitted(to topics: Set<String>) async throws -> Int64?

    /// Sends the records and commits them together with the batch's number.
    ///
    /// - Parameters:
    ///   - patience: says what goes together, and takes note of Kafka's answers.
    ///   - committing: called when Kafka has the records, before the commit.
    /// - Returns: empty when it is committed. Otherwise it is aborted, and these are the places of the records that Kafka
    ///   refuses, with the reasons.
    /// - Throws: `SendFailure`, when it is not committed or nobody knows; `CancellationError`.
    func commit(
        _ records: [EventRecord], with patience: RelayPatience, as batch: Int64, committing: @Sendable () -> Void
    ) async throws -> [Int: SendFailure]
}
