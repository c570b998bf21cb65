import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Synchronization

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

    /// What the log needs whatever the defaults for topics say: every record on disk before it counts, and room for
    /// the largest one. Also applied to a log that was made with others.
    static let properties = [
        "cleanup.policy": "compact", "retention.ms": "-1", "max.message.bytes": "67108864", "flush.messages": "1",
        "segment.bytes": "104857600",
    ]

    /// Records to a batch of a snapshot.
    private static let snapshotBatch = 1000

    /// Whoever waits for the partition to be made; nil when nobody is making it.
    private struct Line {
        enum Step { case wait, go(Partition), make }
        var waiting: [@Sendable (Partition?) -> Void]?

        /// Those who wait; nil, and the line is over, when there are none.
        mutating func next() -> [@Sendable (Partition?) -> Void]? {
            defer { waiting = waiting?.isEmpty == true ? nil : [] }
            return waiting?.isEmpty == true ? nil : waiting
        }
    }

    private static let name = TopicPartition(topic: TopicName.groups, partition: 0)

    private let topics: TopicStore
    private let line = Mutex(Line())
    /// Bytes since the log last began with a snapshot, and the size of that snapshot.
    private let written = Mutex((bytes: 0, snapshot: 0))
    private let snapshotBytes: Int
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger

    init(topics: TopicStore, snapshotBytes: Int, wallClock: @escaping @Sendable () -> Int64, logger: Logger) {
        self.topics = topics
        self.snapshotBytes = snapshotBytes
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
        let batch: ByteBuffer
        do throws(ProtocolError) {
            batch = try self.batch(records[...])
        } catch {
            // Text that does not fit a record: the protocol's own limits make that unreachable for real clients.
            return promise.succeed(.invalidCommitOffsetSize)
        }
        written.withLock { $0.bytes += batch.readableBytes }
        partition.append(batch, origin: .coordinator, acknowledgement: .durable) { [logger] result in
            switch result {
            case .success:
                promise.succeed(.none)
            case .failure(let error):
                logger.error("cannot write to the groups' log", metadata: ["reason": "\(error)"])
                let isTooLarge = [.messageTooLarge, .recordListTooLarge].contains(error.code)
                promise.succeed(isTooLarge ? .invalidCommitOffsetSize : .coordinatorNotAvailable)
            }
        }
    }

    private func batch(_ records: ArraySlice<GroupRecord>) throws(ProtocolError) -> ByteBuffer {
        let now = wallClock()
        var builder = RecordBatchBuilder()
        for record in records {
            let (key, value) = try record.encoded(now: now)
            builder.append(timestamp: now, key: key, value: value)
        }
        return try builder.build()
    }

    /// Whether enough has been written since the last snapshot to be worth another.
    var wantsSnapshot: Bool {
        written.withLock { $0.bytes > max(snapshotBytes, 2 * $0.snapshot) }
    }

    /// Writes all that counts anew and removes what came before. `records` must be the whole truth: nothing may be on its
    /// way to the log when they are gathered.
    ///
    /// A crash in between leaves the old records, with or without new ones that say the same.
    func begin(with records: [GroupRecord]) {
        guard let partition = topics.partition(Self.name) else { return }
        written.withLock { $0.bytes = 0 }
        partition.exclusively { [logger] log in
            do {
                try log.roll()
                let start = log.logEndOffset
                var size = 0
                for first in stride(from: 0, to: records.count, by: Self.snapshotBatch) {
                    let batch = try self.batch(records[first..<min(first + Self.snapshotBatch, records.count)])
                    size += batch.readableBytes
                    _ = try log.append(batch, origin: .coordinator, leaderEpoch: Partition.leaderEpoch)
                }
                try log.flush()
                try log.deleteRecords(before: start)
                self.written.withLock { $0.snapshot = size }
                logger.debug(
                    "began the groups' log anew", metadata: ["records": "\(records.count)", "bytes": "\(size)"])
            } catch {
                logger.warning("cannot begin the groups' log anew", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Does `body` with the log's partition, which is made if it is not there; nil if it cannot be made. Whatever comes
    /// while it is being made waits in line, so that nothing written later is on disk earlier.
    private func withPartition(_ body: @escaping @Sendable (Partition?) -> Void) {
        let step = line.withLock { line -> Line.Step in
            if line.waiting != nil {
                line.waiting?.append(body)
                return .wait
            }
            if let partition = topics.partition(Self.name) { return .go(partition) }
            line.waiting = [body]
            return .make
        }
        switch step {
        case .wait: return
        case .go(let partition): return body(partition)
        case .make: break
        }
        let specification = TopicSpecification(name: TopicName.groups, partitions: 1, configuration: Self.properties)
        topics.create(specification) { result in
            // A client may have made it at the same time, by asking for its metadata.
            let topic = (try? result.get()) ?? self.topics.topic(named: TopicName.groups)
            let partition = topic?.partition(0)
            while let bodies = self.line.withLock({ $0.next() }) {
                for body in bodies { body(partition) }
            }
        }
    }

    /// Reads the log from its start. Blocks: storage threads, or before the broker listens.
    func load() throws -> Contents {
        var contents = Contents()
        guard let log = topics.partition(Self.name)?.log else {
            return contents
        }
        written.withLock { $0.bytes = Int(log.size) }
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
