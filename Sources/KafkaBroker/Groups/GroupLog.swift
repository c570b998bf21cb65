import KafkaLog
import KafkaProtocol
import Logging
import NIOCore

/// The internal log in which groups live: `__consumer_offsets`, one partition.
///
/// Offsets that were committed as part of a transaction stand in transactional batches, and count when the marker behind
/// them says so.
struct GroupLog: Sendable {
    /// What the log says: the last word on each group and each offset.
    struct Contents: Sendable {
        var groups: [String: GroupSnapshot] = [:]
        var offsets: [String: GroupOffsets] = [:]
        /// By producer id: what its open transaction would commit.
        var pending: [Int64: PendingOffsets] = [:]

        mutating func apply(_ record: GroupRecord) {
            switch record {
            case .offset(let group, let partition, let offset?):
                offsets[group, default: GroupOffsets()].commit(offset, for: partition)
            case .offset(let group, let partition, nil):
                offsets[group]?.remove(partition)
                for producer in pending.keys { pending[producer]?.remove(partition, of: group) }
            case .group(let group, let snapshot):
                groups[group] = snapshot
            }
        }

        mutating func take(_ found: InternalLog.Found) throws {
            switch found {
            case .record(let record, let producerID):
                guard let key = record.key else { return }
                let content = try GroupRecord(key: key, value: record.value)
                if let producerID, case .offset(let group, let partition, let offset?) = content {
                    pending[producerID, default: PendingOffsets()].add(offset, for: partition, of: group)
                } else {
                    apply(content)
                }
            case .end(let producerID, let isCommit):
                guard let ended = pending.removeValue(forKey: producerID), isCommit else { return }
                for (group, partition, offset) in ended.all { apply(.offset(group: group, partition, offset)) }
            }
        }
    }

    let log: InternalLog
    private let wallClock: @Sendable () -> Int64

    init(topics: TopicStore, snapshotBytes: Int, wallClock: @escaping @Sendable () -> Int64, logger: Logger) {
        log = InternalLog(
            topic: TopicName.groups, topics: topics, snapshotBytes: snapshotBytes, wallClock: wallClock, logger: logger)
        self.wallClock = wallClock
    }

    /// Writes the records as one batch, perhaps as part of a producer's transaction; answers when they are on disk, or
    /// with the error that a client of the coordinator understands.
    func append(
        _ records: [GroupRecord], in transaction: InternalLog.Producer? = nil, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ErrorCode> {
        let promise = eventLoop.makePromise(of: ErrorCode.self)
        do throws(ProtocolError) {
            try log.append(try entries(records), in: transaction) { promise.succeed(Self.errorCode(of: $0)) }
        } catch {
            // Text that does not fit a record: the protocol's own limits make that unreachable for real clients.
            promise.succeed(.invalidCommitOffsetSize)
        }
        return promise.futureResult
    }

    /// Ends a producer's transaction in this log.
    func end(
        _ transaction: InternalLog.Producer, isCommit: Bool, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ErrorCode> {
        let promise = eventLoop.makePromise(of: ErrorCode.self)
        do throws(ProtocolError) {
            try log.end(transaction, isCommit: isCommit) { promise.succeed(Self.errorCode(of: $0)) }
        } catch {
            promise.succeed(.unknownServerError)
        }
        return promise.futureResult
    }

    private static func errorCode(of result: Result<Void, InternalLog.Failure>) -> ErrorCode {
        switch result {
        case .success: return .none
        case .failure(.unavailable): return .coordinatorNotAvailable
        case .failure(.refused(let error)):
            switch error.code {
            case .messageTooLarge, .recordListTooLarge: return .invalidCommitOffsetSize
            case .invalidTransaction, .invalidProducerEpoch: return error.errorCode
            default: return .coordinatorNotAvailable
            }
        }
    }

    private func entries(_ records: [GroupRecord]) throws(ProtocolError) -> [InternalLog.Entry] {
        let now = wallClock()
        return try records.map { (record) throws(ProtocolError) in
            let (key, value) = try record.encoded(now: now)
            return InternalLog.Entry(key: key, value: value)
        }
    }

    var wantsSnapshot: Bool { log.wantsSnapshot }

    /// See `InternalLog.begin(with:)`.
    func begin(with records: [GroupRecord]) {
        if let entries = try? entries(records) { log.begin(with: entries) }
    }

    /// Reads the log from its start. Blocks: storage threads, or before the broker listens.
    func load() throws -> Contents {
        var contents = Contents()
        try log.load { try contents.take($0) }
        return contents
    }
}
