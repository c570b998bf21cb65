import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Synchronization

/// A partition in service: its log, the mailbox its appends go through, and whoever waits for its next record.
///
/// Appends may come from any thread; they are written in the order of `append` by one storage thread at a time. All that
/// arrive while a sync is under way are written together and synced once (group commit), and partitions sync in
/// parallel. Reads go to the log directly, from any storage thread.
final class Partition: Sendable {
    /// Every record of this broker carries the one leader epoch there will ever be: there is nobody to elect.
    static let leaderEpoch: Int32 = 0

    let name: TopicPartition
    let log: PartitionLog
    private let logger: Logger
    private let mailbox: Strand<Work>
    private let watchers: Watchers

    init(
        name: TopicPartition, log: PartitionLog, threads: StorageThreads, transactions: TransactionRegistry,
        logger: Logger
    ) {
        let watchers = Watchers()
        self.name = name
        self.log = log
        self.logger = logger
        self.watchers = watchers
        mailbox = Strand(on: threads) { round in
            Writer(name: name, log: log, watchers: watchers, transactions: transactions).process(round)
        }
    }

    /// Appends one record set; `completion` is called once, on a storage thread.
    func append(
        _ records: ByteBuffer, origin: AppendOrigin = .client, acknowledgement: Acknowledgement,
        completion: @escaping @Sendable (Result<AppendResult, LogError>) -> Void
    ) {
        mailbox.submit(
            .append(
                Append(
                    records: records, origin: origin, acknowledgement: acknowledgement, completion: completion)))
    }

    /// Runs `body` on a storage thread after everything appended so far is done, with no append beside it.
    func exclusively(_ body: @escaping @Sendable (PartitionLog) -> Void) {
        mailbox.submit(.barrier { [log] in body(log) })
    }

    /// Lets the log work by other limits and choices, after everything appended so far and before whatever comes later,
    /// then runs `after`.
    func reconfigure(_ configuration: LogConfiguration, then after: @escaping @Sendable () -> Void) {
        mailbox.submit(
            .barrier { [log, watchers, logger, name] in
                do throws(LogError) {
                    if log.configuration != configuration { try log.reconfigure(configuration) }
                } catch {
                    logger.error(
                        "a log goes on with its old properties",
                        metadata: [
                            "topic": "\(name.topic)", "partition": "\(name.partition)", "reason": "\(error)",
                        ])
                }
                // Readers may see more than before.
                watchers.tell(Int(Int32.max))
                after()
            })
    }

    /// Closes the log after what is already in the mailbox, and suspends until that is done. Whatever comes later is
    /// refused by the closed log.
    func close() async {
        await withCheckedContinuation { continuation in
            retire(continuation.resume) { log throws(LogError) in try log.close() }
        }
    }

    /// Deletes the log with its directory after what is already in the mailbox, then runs `after`.
    func delete(_ after: @escaping @Sendable () -> Void) {
        retire(after) { log throws(LogError) in try log.delete() }
    }

    /// Ends the log in one way or the other, and tells everybody who waits for records here.
    private func retire(
        _ after: @escaping @Sendable () -> Void, by end: @escaping @Sendable (PartitionLog) throws(LogError) -> Void
    ) {
        mailbox.submit(
            .barrier { [log, watchers, logger] in
                do throws(LogError) {
                    try end(log)
                } catch {
                    logger.error("a log was not closed cleanly", metadata: ["reason": "\(error)"])
                }
                watchers.tell(Int(Int32.max))
                after()
            })
    }

    /// Tells `watcher` of everything that becomes readable from now on. Look at the log again after registering:
    /// what came before is not told.
    func watch(_ watcher: any PartitionWatcher) {
        watchers.all.withLock { $0[ObjectIdentifier(watcher)] = watcher }
    }

    func unwatch(_ watcher: any PartitionWatcher) {
        _ = watchers.all.withLock { $0.removeValue(forKey: ObjectIdentifier(watcher)) }
    }
}

/// Someone who waits for records.
protocol PartitionWatcher: AnyObject, Sendable {
    /// `bytes` more became readable. Called on a storage thread; must not block.
    func partitionAdvanced(by bytes: Int)
}

extension Partition {
    /// When an append counts as done.
    enum Acknowledgement: Sendable {
        /// Written; a power cut may still take it (acks=1, acks=0).
        case written
        /// On disk (acks=all).
        case durable
    }

    fileprivate struct Append: Sendable {
        var records: ByteBuffer
        var origin: AppendOrigin
        var acknowledgement: Acknowledgement
        var completion: @Sendable (Result<AppendResult, LogError>) -> Void
    }

    fileprivate enum Work: Sendable {
        case append(Append)
        case barrier(@Sendable () -> Void)
    }

    fileprivate final class Watchers: Sendable {
        let all = Mutex<[ObjectIdentifier: any PartitionWatcher]>([:])

        func tell(_ bytes: Int) {
            for watcher in all.withLock({ Array($0.values) }) { watcher.partitionAdvanced(by: bytes) }
        }
    }

    /// Works on one round of the mailbox: writes all appends, syncs once, answers, wakes the watchers.
    fileprivate struct Writer {
        let name: TopicPartition
        let log: PartitionLog
        let watchers: Watchers
        let transactions: TransactionRegistry
        var waiting: [(append: Append, result: AppendResult)] = []
        var bytes = 0
        /// Something that may have made earlier records readable: the end of a transaction.
        var hasMarker = false

        init(name: TopicPartition, log: PartitionLog, watchers: Watchers, transactions: TransactionRegistry) {
            self.name = name
            self.log = log
            self.watchers = watchers
            self.transactions = transactions
        }

        func process(_ round: [Work]) {
            var writer = self
            for work in round {
                switch work {
                case .append(let append):
                    writer.write(append)
                case .barrier(let body):
                    writer.sync()
                    body()
                }
            }
            writer.sync()
        }

        private mutating func write(_ append: Append) {
            do throws(LogError) {
                let result = try log.append(
                    append.records, origin: append.origin, leaderEpoch: Partition.leaderEpoch,
                    transactions: { [transactions, name] in
                        transactions.refusal(producerID: $0, epoch: $1, in: name)
                    })
                bytes += append.records.readableBytes
                if append.origin == .coordinator { hasMarker = true }
                switch append.acknowledgement {
                case .written: append.completion(.success(result))
                case .durable: waiting.append((append, result))
                }
            } catch {
                append.completion(.failure(error))
            }
        }

        private mutating func sync() {
            guard bytes > 0 else { return }
            do throws(LogError) {
                // With `flush.messages` above 1 the owner of the data has decided that a power cut may take some.
                if log.unflushedRecords >= log.configuration.flushIntervalMessages { try log.flush() }
                for (append, result) in waiting { append.completion(.success(result)) }
            } catch {
                for (append, _) in waiting { append.completion(.failure(error)) }
            }
            let advanced = hasMarker ? Int(Int32.max) : bytes
            bytes = 0
            hasMarker = false
            waiting = []
            watchers.tell(advanced)
        }
    }
}
