import KafkaProtocol
import Logging
import NIOCore

/// The internal log in which transactional ids live: `__transaction_state`, one partition.
struct TransactionLog: Sendable {
    private let log: InternalLog

    init(topics: TopicStore, snapshotBytes: Int, wallClock: @escaping @Sendable () -> Int64, logger: Logger) {
        log = InternalLog(
            topic: TopicName.transactions, topics: topics, snapshotBytes: snapshotBytes, wallClock: wallClock,
            logger: logger)
    }

    /// Answers when the record is on disk, or with what a client of the coordinator is told.
    func append(_ record: TransactionRecord, on eventLoop: any EventLoop) -> EventLoopFuture<ErrorCode> {
        let promise = eventLoop.makePromise(of: ErrorCode.self)
        do throws(ProtocolError) {
            try log.append([try record.encoded()]) { result in
                if case .success = result { promise.succeed(.none) } else { promise.succeed(.coordinatorNotAvailable) }
            }
        } catch {
            promise.succeed(.invalidRequest)
        }
        return promise.futureResult
    }

    var wantsSnapshot: Bool { log.wantsSnapshot }

    /// See `InternalLog.begin(with:)`.
    func begin(with records: [TransactionRecord]) {
        if let entries = try? records.map({ try $0.encoded() }) { log.begin(with: entries) }
    }

    /// Reads the log from its start. Blocks: storage threads, or before the broker listens.
    func load() throws -> [String: Transaction.Image] {
        var images: [String: Transaction.Image] = [:]
        try log.load { found in
            guard case .record(let record, _) = found, let key = record.key else { return }
            let content = try TransactionRecord(key: key, value: record.value)
            images[content.id] = content.image
        }
        return images
    }
}
