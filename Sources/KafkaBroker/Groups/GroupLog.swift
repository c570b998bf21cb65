import KafkaLog
import KafkaProtocol
import Logging
import NIOCore

/// The internal log in which groups live: `__consumer_offsets`, one partition, made when the first group needs it.
/// Its appends go the way of every other partition's: grouped, on disk before they count.
final class GroupLog: Sendable {
    /// What the log says: the last word on each group and each offset.
    struct Contents: Sendable {
        var groups: [String: GroupSnapshot] = [:]
        var offsets: [String: GroupOffsets] = [:]

        mutating func apply(_ record: GroupRecord) {
            switch record {
            case .offset(let group, let partition, let offset?):
                offsets[group, default: GroupOffsets()].commit(offset, for: partition)
            case .offset(let group, let partition, nil):
                offsets[group]?.remove(partition)
            case .group(let group, let snapshot):
                groups[group] = snapshot
            }
        }
    }

    /// The most bytes that one batch of the internal log may unpack to; the broker writes them without compression.
    private static let readLimit = 64 * 1024 * 1024
    private static let readSize = 1024 * 1024

    private let topics: TopicStore
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger

    init(topics: TopicStore, wallClock: @escaping @Sendable () -> Int64, logger: Logger) {
        self.topics = topics
        self.wallClock = wallClock
        self.logger = logger
    }

    /// Writes the records as one batch; answers when they are on disk, or with the error that a client of the
    /// coordinator understands.
    func append(_ records: [GroupRecord], on eventLoop: any EventLoop) -> EventLoopFuture<ErrorCode> {
        let promise = eventLoop.makePromise(of: ErrorCode.self)
        withPartition { partition in
            guard let partition else { return promise.succeed(.coordinatorNotAvailable) }
            self.append(records, to: partition, promise: promise)
        }
        return promise.futureResult
    }

    private func append(_ records: [GroupRecord], to partition: Partition, promise: EventLoopPromise<ErrorCode>) {
        do throws(ProtocolError) {
            let now = wallClock()
            var builder = RecordBatchBuilder()
            for record in records {
                let (key, value) = try record.encoded(now: now)
                builder.append(timestamp: now, key: key, value: value)
            }
            partition.append(try builder.build(), origin: .coordinator, acknowledgement: .durable) { [logger] result in
                switch result {
                case .success:
                    promise.succeed(.none)
                case .failure(let error):
                    logger.error("cannot write to the groups' log", metadata: ["reason": "\(error)"])
                    let isTooLarge = [.messageTooLarge, .recordListTooLarge].contains(error.code)
                    promise.succeed(isTooLarge ? .invalidCommitOffsetSize : .coordinatorNotAvailable)
                }
            }
        } catch {
            // Text that does not fit a record: the protocol's own limits make that unreachable for real clients.
            promise.succeed(.invalidCommitOffsetSize)
        }
    }

    private func withPartition(_ body: @escaping @Sendable (Partition?) -> Void) {
        if let partition = topics.partition(TopicPartition(topic: TopicName.groups, partition: 0)) {
            return body(partition)
        }
        let specification = TopicSpecification(
            name: TopicName.groups, partitions: 1,
            configuration: ["cleanup.policy": "compact", "retention.ms": "-1", "max.message.bytes": "67108864"])
        topics.create(specification) { [topics] result in
            // Two may have found it missing; then the second finds it made.
            let topic = (try? result.get()) ?? topics.topic(named: TopicName.groups)
            body(topic?.partition(0))
        }
    }

    /// Reads the log from its start. Blocks: storage threads, or before the broker listens.
    func load() throws -> Contents {
        var contents = Contents()
        guard let log = topics.partition(TopicPartition(topic: TopicName.groups, partition: 0))?.log else {
            return contents
        }
        var offset = log.logStartOffset
        while offset < log.highWatermark {
            var batches = RecordBatches(
                try log.read(from: offset, maxBytes: Self.readSize, upTo: log.highWatermark, minOneBatch: true))
            let start = offset
            while let batch = try batches.next() {
                offset = batch.header.lastOffset + 1
                guard !batch.header.isControl else { continue }
                var reader = try RecordBatchReader(batch.bytes, decompressionLimit: Self.readLimit)
                while let record = try reader.next() { apply(record, to: &contents) }
            }
            guard offset > start else { break }
        }
        return contents
    }

    private func apply(_ record: Record, to contents: inout Contents) {
        guard let key = record.key else { return }
        do {
            contents.apply(try GroupRecord(key: key, value: record.value))
        } catch {
            logger.warning(
                "skipping a record of the groups' log", metadata: ["offset": "\(record.offset)", "reason": "\(error)"])
        }
    }
}
