/// The batches of a ``Consumer``, one after the other, for one reader.
///
/// Asking for the next batch says that the one before is done with: only then is its partition given up in a
/// rebalance, or, within the deadline of ``ConsumerConfiguration/shutdownTimeout``, at the end. Leaving the loop says so too. When the reader is slow, fetching stops by itself.
public struct ConsumerBatches: AsyncSequence, Sendable {
    public typealias Element = ConsumerBatch
    public typealias Failure = any Error

    let mailbox: BatchMailbox

    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: Reader(mailbox: mailbox))
    }

    /// Gives the batches; nil once the consumer is closed.
    public struct Iterator: AsyncIteratorProtocol {
        let reader: Reader

        /// - Throws: `CancellationError` when the task is cancelled; ``KafkaError`` when the consumer can do no more;
        ///   what the `assigned` hook threw.
        public mutating func next() async throws -> ConsumerBatch? {
            try await reader.mailbox.next()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> ConsumerBatch? {
            try await reader.mailbox.next()
        }
    }

    /// Its end is the reader's: what was in hand is done with.
    final class Reader: Sendable {
        let mailbox: BatchMailbox

        init(mailbox: BatchMailbox) {
            self.mailbox = mailbox
        }

        deinit {
            mailbox.leave()
        }
    }
}
