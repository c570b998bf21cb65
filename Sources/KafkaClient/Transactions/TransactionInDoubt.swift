/// A transaction was to be committed, and nobody here knows whether it is: the answer did not come.
///
/// The producer can do no more. Make another with the same transactional id: when its ``TransactionalProducer/start(timeout:)``
/// has returned, the transaction is either committed or aborted, and an offset that was sent with it
/// (``KafkaTransaction/sendOffsets(_:ofGroup:)``) tells which.
public struct TransactionInDoubt: Error, Sendable, CustomStringConvertible {
    /// Why there was no answer.
    public let cause: KafkaError

    public var description: String { "nobody knows whether the transaction is committed: \(cause)" }
}
