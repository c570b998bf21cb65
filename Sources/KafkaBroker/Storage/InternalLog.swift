import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Synchronization

/// A log of the broker's own: one partition of an internal topic, made when something is first written to it. The last
/// record of a key counts; a record without value takes back what its key says.
///
/// Its appends go the way of every other partition's: grouped, on disk before they count, in the order in which they came.
/// It is kept small by beginning anew with a snapshot of all that counts.
final class InternalLog: Sendable {
    /// A record to be written.
    struct Entry: Sendable {
        var key: ByteBuffer
        var value: ByteBuffer?
    }

    /// The producer in whose transaction something is written.
    struct Producer: Hashable, Sendable {
        var id: Int64
        var epoch: Int16
    }

    /// Why something is not in the log.
    enum Failure: Error {
        /// It cannot be made, or takes no more.
        case unavailable
        case refused(LogError)
    }

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

    /// The most bytes that one batch of the log may unpack to; the broker writes them without compression.
    private static let readLimit = 64 * 1024 * 1024
    private static let readSize = 1024 * 1024

    /// What such a log needs whatever the defaults for topics say: every record on disk before it counts, and room for
    /// the largest one. Also applied to a log that was made with others.
    static let properties = [
        "cleanup.policy": "compact", "retention.ms": "-1", "max.message.bytes": "67108864", "flush.messages": "1",
        "segment.bytes": "104857600",
    ]

    /// Records to a batch of a snapshot.
    private static let snapshotBatch = 1000

    let name: TopicPartition
    private let topics: TopicStore
    private let line = Mutex(Line())
    /// Bytes since the log last began with a snapshot, and the size of that snapshot.
    private let written = Mutex((bytes: 0, snapshot: 0))
    private let snapshotBytes: Int
    private let wallClock: @Sendable () -> Int64
    private let logger: Logger

    init(
        topic: String, topics: TopicStore, snapshotBytes: Int, wallClock: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        name = TopicPartition(topic: topic, partition: 0)
        self.topics = topics
        self.snapshotBytes = snapshotBytes
        self.wallClock = wallClock
        self.logger = logger
    }

    // MARK: Writing

    /// Writes the entries as one batch. `completion` is called once, when they are on disk or cannot be.
    func append(
        _ entries: [Entry], in transaction: Producer? = nil,
        completion: @escaping @Sendable (Result<Void, Failure>) -> Void
    ) throws(ProtocolError) {
        append(batch: try batch(entries[...], in: transaction), completion: completion)
    }

    /// Ends a transaction in this log. `completion` is called once, when the marker is on disk or cannot be.
    func end(
        _ transaction: Producer, isCommit: Bool, completion: @escaping @Sendable (Result<Void, Failure>) -> Void
    ) throws(ProtocolError) {
        let marker = EndTransactionMarker(isCommit: isCommit)
        append(
            batch: try marker.batch(
                producerID: transaction.id, producerEpoch: transaction.epoch, timestamp: wallClock()),
            completion: completion)
    }

    private func append(batch: ByteBuffer, completion: @escaping @Sendable (Result<Void, Failure>) -> Void) {
        written.withLock { $0.bytes += batch.readableBytes }
        withPartition { [logger, name] partition in
            guard let partition else { return completion(.failure(.unavailable)) }
            partition.append(batch, origin: .coordinator, acknowledgement: .durable) { result in
                if case .failure(let error) = result {
                    logger.error(
                        "cannot write to an internal log", metadata: ["topic": "\(name.topic)", "reason": "\(error)"])
                }
                completion(result.map { _ in }.mapError(Failure.refused))
            }
        }
    }

    private func batch(
        _ entries: ArraySlice<Entry>, in transaction: Producer? = nil
    ) throws(ProtocolError) -> ByteBuffer {
        let now = wallClock()
        var builder = RecordBatchBuilder(
            producerID: transaction?.id ?? -1, producerEpoch: transaction?.epoch ?? -1,
            isTransactional: transaction != nil)
        for entry in entries { builder.append(timestamp: now, key: entry.key, value: entry.value) }
        return try builder.build()
    }

    /// Does `body` with the log's partition, which is made if it is not there; nil if it cannot be made. Whatever comes
    /// while it is being made waits in line, so that nothing written later is on disk earlier.
    private func withPartition(_ body: @escaping @Sendable (Partition?) -> Void) {
        let step = line.withLock { line -> Line.Step in
            if line.waiting != nil {
                line.waiting?.append(body)
                return .wait
            }
            if let partition = topics.partition(name) { return .go(partition) }
            line.waiting = [body]
            return .make
        }
        switch step {
        case .wait: return
        case .go(let partition): return body(partition)
        case .make: break
        }
        let specification = TopicSpecification(name: name.topic, partitions: 1, configuration: Self.properties)
        topics.create(specification) { result in
            // A client may have made it at the same time, by asking for its metadata.
            let topic = (try? result.get()) ?? self.topics.topic(named: self.name.topic)
            let partition = topic?.partition(0)
            while let bodies = self.line.withLock({ $0.next() }) {
                for body in bodies { body(partition) }
            }
        }
    }

    // MARK: Snapshots

    /// Whether enough has been written since the last snapshot to be worth another.
    var wantsSnapshot: Bool {
        written.withLock { $0.bytes > max(snapshotBytes, 2 * $0.snapshot) }
    }

    /// Writes all that counts anew and removes what came before. `entries` must be the whole truth: nothing may be on its
    /// way to the log when they are gathered, and no transaction open in it.
    ///
    /// A crash in between leaves the old records, with or without new ones that say the same.
    func begin(with entries: [Entry]) {
        guard let partition = topics.partition(name) else { return }
        written.withLock { $0.bytes = 0 }
        partition.exclusively { [logger, name] log in
            do {
                try log.roll()
                let start = log.logEndOffset
                var size = 0
                for first in stride(from: 0, to: entries.count, by: Self.snapshotBatch) {
                    let batch = try self.batch(entries[first..<min(first + Self.snapshotBatch, entries.count)])
                    size += batch.readableBytes
                    _ = try log.append(batch, origin: .coordinator, leaderEpoch: Partition.leaderEpoch)
                }
                try log.flush()
                try log.deleteRecords(before: start)
                self.written.withLock { $0.snapshot = size }
                logger.debug(
                    "began an internal log anew",
                    metadata: ["topic": "\(name.topic)", "records": "\(entries.count)", "bytes": "\(size)"])
            } catch {
                logger.warning(
                    "cannot begin an internal log anew", metadata: ["topic": "\(name.topic)", "reason": "\(error)"])
            }
        }
    }

    // MARK: Reading

    /// Something found in the log.
    enum Found {
        /// A record, and the producer of its transaction.
        case record(Record, producerID: Int64?)
        case end(producerID: Int64, isCommit: Bool)
    }

    /// Reads the log from its start. Blocks: storage threads, or before the broker listens. What `take` throws is logged
    /// and passed over.
    func load(_ take: (Found) throws -> Void) throws {
        guard let log = topics.partition(name)?.log else { return }
        written.withLock { $0.bytes = Int(log.size) }
        var offset = log.logStartOffset
        while offset < log.highWatermark {
            var batches = RecordBatches(
                try log.read(from: offset, maxBytes: Self.readSize, upTo: log.highWatermark, minOneBatch: true))
            let start = offset
            while let batch = try batches.next() {
                offset = batch.header.lastOffset + 1
                try load(batch, take)
            }
            guard offset > start else { break }
        }
    }

    private func load(_ batch: RecordBatches.Batch, _ take: (Found) throws -> Void) throws {
        if batch.header.isControl {
            guard let marker = EndTransactionMarker(batch: batch.bytes) else { return }
            return try take(.end(producerID: batch.header.producerID, isCommit: marker.isCommit))
        }
        var reader = try RecordBatchReader(batch.bytes, decompressionLimit: Self.readLimit)
        while let record = try reader.next() {
            do {
                try take(.record(record, producerID: batch.header.isTransactional ? batch.header.producerID : nil))
            } catch {
                logger.warning(
                    "skipping a record of an internal log",
                    metadata: [
                        "topic": "\(name.topic)", "offset": "\(record.offset)", "reason": "\(error)",
                    ])
            }
        }
    }
}
