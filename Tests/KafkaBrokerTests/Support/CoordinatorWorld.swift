import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import KafkaBroker

/// Topics, the groups' log and its coordinator on a simulated disk, without a network around them.
struct CoordinatorWorld {
    let files = SimulatedFileSystem(seed: 1)
    let threads = StorageThreads(limit: 4)
    let metadata: MetadataStore
    let topics: TopicStore
    let groupLog: GroupLog
    let coordinator: GroupCoordinator
    let loop: any EventLoop
    /// The wall clock, which only the test moves.
    let clock = Clock()

    /// - Parameter onLog: is told each message of the broker's log, on the thread that writes it.
    init(onLog: @escaping @Sendable (String) -> Void = { _ in }) throws {
        let logger = Logger(label: "test") { _ in Listener(tell: onLog) }
        metadata = try MetadataStore(directory: "/data", files: files, making: true)
        let live = LiveConfiguration(
            start: BrokerConfiguration(dataDirectory: "/data"), metadata: metadata, logger: logger)
        topics = TopicStore(live: live, files: files, threads: threads, metadata: metadata, logger: logger)
        loop = MultiThreadedEventLoopGroup.singleton.next()
        groupLog = GroupLog(topics: topics, snapshotBytes: 1 << 20, wallClock: { [clock] in clock.now }, logger: logger)
        coordinator = GroupCoordinator(
            eventLoop: loop, limits: { GroupLimits() }, log: groupLog, wallClock: { [clock] in clock.now },
            logger: logger,
            topicID: { [topics] in topics.topic(named: $0)?.id })
    }

    func create(_ name: String) async throws -> Topic {
        try await withCheckedThrowingContinuation { continuation in
            topics.create(TopicSpecification(name: name, partitions: 1)) { continuation.resume(with: $0) }
        }
    }

    func delete(_ name: String) async throws -> Topic {
        try await withCheckedThrowingContinuation { continuation in
            topics.delete(name) { continuation.resume(with: $0) }
        }
    }

    func commit(_ offset: Int64, for topic: Topic) -> EventLoopFuture<GroupCoordinator.CommitOutcome> {
        coordinator.commit(
            group: "g", as: GroupCoordinator.Committer(),
            [
                (
                    TopicPartition(topic: topic.name, partition: 0),
                    CommittedOffset(offset: offset, commitTimestamp: clock.now, topicID: topic.id)
                )
            ])
    }
}

/// Milliseconds since 1970, as a test wants them.
final class Clock: Sendable {
    private let time = Mutex<Int64>(1_000_000_000_000)

    var now: Int64 { time.withLock { $0 } }

    func pass(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

private struct Listener: LogHandler {
    let tell: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        tell("\(event.message)")
    }
}

extension MetadataStore {
    fileprivate convenience init(directory: String, files: any FileSystem, making: Bool) throws {
        try files.createDirectories(directory)
        try self.init(directory: directory, files: files)
    }
}
