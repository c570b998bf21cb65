import CRDKafka
import Logging

/// Makes and removes topics, and asks a cluster about topics, offsets and groups.
///
/// ```swift
/// let admin = try Admin(kafka, logger: logger)
/// try await admin.createTopics([TopicSpecification("order", partitions: 5)], ifMissing: true)
/// ```
///
/// No call blocks a thread of Swift's pool. Releasing the admin closes it; calls under way fail with `closed`.
public final class Admin: Sendable {
    private let thread: ClientThread<AdminOwner>
    /// How long each request may take.
    public let timeout: Duration

    /// An admin for this cluster; the connection is made when it is needed.
    ///
    /// - Throws: ``KafkaError`` if the configuration is wrong, naming the property.
    public init(_ kafka: KafkaConfiguration, timeout: Duration = .seconds(30), logger: Logger) throws(KafkaError) {
        let thread = try ClientThread<AdminOwner>()
        let handle = try KafkaHandle(
            RD_KAFKA_PRODUCER, properties: kafka.merged(over: [:]), gate: kafka.gate, logger: logger)
        guard let owner = AdminOwner(handle: handle, wakeUp: thread.wakeUp) else {
            throw KafkaError(.wrongState, "librdkafka gave no queue")
        }
        self.thread = thread
        self.timeout = timeout
        try thread.start(name: "kafka-admin", owner: owner)
    }

    deinit {
        thread.post { $0.stop() }
    }

    /// The brokers, and these topics, or all of them if nil.
    ///
    /// - Parameter limit: how long it may take instead of ``timeout``.
    /// - Throws: ``KafkaError``, `unknownTopicOrPartition` if a topic that was asked for is not there.
    public func metadata(topics: [String]? = nil, within limit: Duration? = nil) async throws -> ClusterMetadata {
        let timeout = limit ?? timeout
        return try await thread.run { try $0.metadata(topics, timeout: timeout) }
    }

    /// The first offset and the end of each partition: those of the records that are there.
    ///
    /// With `read_committed` readers in mind: the end is the high watermark, not the last stable offset.
    public func watermarks(_ partitions: [TopicPartition]) async throws -> [TopicPartition: Range<Int64>] {
        let timeout = timeout
        let (first, end) = try await thread.run { owner in
            let all = Set(partitions)
            return (
                try owner.offsets(Dictionary(uniqueKeysWithValues: all.map { ($0, -2) }), timeout: timeout),
                try owner.offsets(Dictionary(uniqueKeysWithValues: all.map { ($0, -1) }), timeout: timeout)
            )
        }
        return first.reduce(into: [:]) { ranges, entry in
            let low = max(0, entry.value)
            ranges[entry.key] = low..<max(low, end[entry.key] ?? low)
        }
    }

    /// For each partition the offset of the first record at or after a time (milliseconds since 1970); the end of the
    /// partition if there is none.
    public func offsets(atOrAfter times: [TopicPartition: Int64]) async throws -> [TopicPartition: Int64] {
        let timeout = timeout
        return try await thread.run { owner in
            let found = try owner.offsets(times, timeout: timeout)
            let none = found.filter { $0.value < 0 }.mapValues { _ in Int64(-1) }
            return found.merging(try owner.offsets(none, timeout: timeout)) { _, end in end }
        }
    }

    func ask<R: Sendable, Failure: Error>(
        _ call: @escaping @Sendable (AdminOwner, Duration, @escaping (Result<R, Failure>) -> Void) -> Void
    ) async throws -> R {
        let timeout = timeout
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<R, any Error>) in
            let isAlive = thread.post { owner in
                call(owner, timeout) { continuation.resume(with: $0.mapError { $0 }) }
            }
            if !isAlive { continuation.resume(throwing: KafkaError.closed("admin")) }
        }
    }
}
