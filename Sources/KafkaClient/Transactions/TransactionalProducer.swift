import Logging
import ServiceLifecycle

/// Sends records to several partitions, and offsets of consumer groups, in transactions: all of it is seen by readers of
/// committed records (``ConsumerConfiguration/Isolation/committed``) or nothing.
///
/// ```swift
/// let producer = try TransactionalProducer(.init(kafka, transactionalID: "copier-0"), logger: logger)
/// try await producer.start()                                  // fences its predecessor and ends what that left open
/// try await producer.transaction { transaction in
///     _ = try await transaction.send(messages)                // if one fails, there is no commit
///     try await transaction.sendOffsets([source: next], ofGroup: "copiers")
/// }
/// ```
///
/// One transaction at a time. What goes wrong falls into three kinds:
/// - ``KafkaError/requiresAbort``, or an error of the body's own: the transaction was aborted; the next may succeed.
/// - ``KafkaError/isFatal``: another producer of this id has started (``KafkaError/isFenced``), or the like. This one can
///   do no more.
/// - ``TransactionInDoubt``: nobody knows; see there. This producer can do no more.
///
/// As a `Service`, ``run()`` lives until graceful shutdown, lets the transaction in hand end, and closes. Without it,
/// releasing the producer closes it; a transaction that is open then ends with its timeout, or when a successor starts.
public final class TransactionalProducer: Service, Sendable {
    private let producer: Producer
    private let turn = TransactionTurn()
    private let timeout: Duration
    private let shutdownTimeout: Duration

    /// A producer with this configuration; the connection is made when it is needed.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public init(_ configuration: TransactionalProducerConfiguration, logger: Logger) throws(KafkaError) {
        producer = try Producer(configuration.producer, logger: logger)
        timeout = configuration.transactionTimeout
        shutdownTimeout = configuration.sending.shutdownTimeout
    }

    /// Becomes the one living producer of its transactional id: others of this id are fenced, and a transaction that one
    /// of them left open is aborted, or committed to the end if its commit had begun. To be called once, before the first
    /// transaction; again if it failed with an error that is retriable.
    ///
    /// - Throws: ``KafkaError`` with ``KafkaError/isRetriable`` if no coordinator has answered within `timeout`;
    ///   `CancellationError`.
    public func start(timeout: Duration = .seconds(30)) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while true {
            // In short slices, so that a cancelled task or a closed producer need not wait for a broker that is away.
            let slice = min(.milliseconds(250), max(.milliseconds(1), clock.now.duration(to: deadline)))
            let sliceEnd = clock.now + slice
            do {
                return try await producer.onThread { try $0.initTransactions(timeout: slice) }
            } catch let error as KafkaError where error.isRetriable && !error.isFatal && clock.now < deadline {
                try await Task.sleep(until: sliceEnd, clock: clock)
                try Task.checkCancellation()
            }
        }
    }

    /// Runs `body` in a transaction: commits when it returns, aborts when it throws and rethrows its error.
    ///
    /// If the task is cancelled, the transaction is aborted, unless its commit has begun. The messages that the body has
    /// sent are waited for before the commit.
    ///
    /// - Throws: the body's error; ``KafkaError`` (aborted, or fatal: see the type); ``TransactionInDoubt``.
    public func transaction<R: Sendable>(
        _ body: @Sendable (KafkaTransaction) async throws -> R
    ) async throws -> R {
        try turn.begin()
        var isUsable = false
        defer { turn.end(isUsable: isUsable) }
        try await producer.onThread { try $0.beginTransaction() }
        let result: R
        do {
            let transaction = KafkaTransaction(producer: producer, timeout: timeout)
            result = try await body(transaction)
            try await transaction.finish()
        } catch {
            isUsable = await abort()
            throw error
        }
        do {
            try await producer.onThread { [timeout] in try $0.commitTransaction(timeout: timeout) }
        } catch let error as KafkaError where error.requiresAbort && !error.isFatal {
            isUsable = await abort()
            throw error
        } catch let error as KafkaError {
            throw TransactionInDoubt(cause: error)
        }
        isUsable = true
        return result
    }

    /// Whether the transaction is over; if not, it ends with its timeout or when a successor starts.
    private func abort() async -> Bool {
        let timeout = timeout
        return (try? await producer.onThread { try $0.abortTransaction(timeout: timeout) }) != nil
    }

    /// Lives until graceful shutdown, then begins no more transactions, lets the one in hand end for as long as
    /// ``ProducerConfiguration/shutdownTimeout`` allows, and closes. When its task is cancelled it closes at once.
    public func run() async throws {
        try? await gracefulShutdown()
        turn.close()
        await withTaskGroup(of: Void.self) { [turn, shutdownTimeout] tasks in
            tasks.addTask { await turn.idle() }
            tasks.addTask { try? await Task.sleep(for: shutdownTimeout) }
            await tasks.next()
            tasks.cancelAll()
        }
        await producer.close()
    }
}
