import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A Kafka broker on one node, in this process.
///
/// ```swift
/// var configuration = BrokerConfiguration(dataDirectory: directory)
/// configuration.listen = HostAndPort(host: "127.0.0.1", port: 0)
/// let broker = Broker(configuration: configuration, logger: logger)
/// async let running: Void = broker.run()
/// let address = try await broker.address()     // waits until connections are accepted
/// ```
///
/// `run()` returns after a graceful shutdown or when its task is cancelled; either way the logs are closed with their
/// clean-shutdown markers. What was acknowledged with acks=all is on disk at that moment, so neither `kill -9` nor a
/// power cut takes it.
///
/// Any thread may use a broker. Its files are touched only by its own storage threads, its state only by its event loops.
public final class Broker: Service {
    private enum Listening {
        case notYet([CheckedContinuation<HostAndPort, any Error>])
        case at(HostAndPort)
        case failed(any Error)
    }

    public let configuration: BrokerConfiguration
    private let logger: Logger
    private let files: any FileSystem
    private let listening = Mutex(Listening.notYet([]))

    /// - Parameter files: the disk; another than the real one is for tests.
    public init(configuration: BrokerConfiguration, logger: Logger, files: any FileSystem = PosixFileSystem()) {
        self.configuration = configuration
        self.logger = logger
        self.files = files
    }

    /// Where connections are accepted; waits until they are.
    ///
    /// - Throws: what `run()` throws, if the broker cannot start.
    public func address() async throws -> HostAndPort {
        try await withCheckedThrowingContinuation { continuation in
            let known: Result<HostAndPort, any Error>? = listening.withLock { state in
                switch state {
                case .notYet(let waiting):
                    state = .notYet(waiting + [continuation])
                    return nil
                case .at(let address): return .success(address)
                case .failed(let error): return .failure(error)
                }
            }
            if let known { continuation.resume(with: known) }
        }
    }

    /// Serves until graceful shutdown or cancellation. Call it once.
    ///
    /// - Throws: `BrokerError` when the broker cannot start; its message says what to do.
    public func run() async throws {
        do {
            try await serve()
            settle(.failure(CancellationError()))
        } catch {
            settle(.failure(error))
            throw error
        }
    }

    private func settle(_ result: Result<HostAndPort, any Error>) {
        let waiting = listening.withLock { state -> [CheckedContinuation<HostAndPort, any Error>] in
            guard case .notYet(let waiting) = state else { return [] }
            switch result {
            case .success(let address): state = .at(address)
            case .failure(let error): state = .failed(error)
            }
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    private func serve() async throws {
        guard configuration.listen.isLoopback || configuration.allowsRemote else {
            throw BrokerError(
                .remoteNotAllowed,
                "\(configuration.listen) can be reached from other machines, and there is neither authentication nor "
                    + "encryption: whoever reaches it can read, write and delete everything. If that is intended, say "
                    + "--allow-remote; otherwise listen at 127.0.0.1")
        }
        if let conflict = BrokerProperty.conflict(in: configuration) {
            throw BrokerError(.invalidConfiguration, conflict)
        }
        OpenFileLimit.raise()
        let threads = StorageThreads(limit: configuration.storageThreads)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.networkThreads)
        do {
            try await serve(on: loops, threads: threads)
        } catch {
            await release(loops, threads)
            throw error
        }
        await release(loops, threads)
    }

    private func release(_ loops: MultiThreadedEventLoopGroup, _ threads: StorageThreads) async {
        await threads.stop()
        try? await loops.shutdownGracefully()
    }

    private func serve(on loops: MultiThreadedEventLoopGroup, threads: StorageThreads) async throws {
        let opened = try await threads.run { try self.open(on: loops, threads: threads) }
        let server = Server(core: opened.core, loops: loops)
        do {
            try await opened.core.groups.restore(opened.groups).get()
            try await opened.core.transactions.restore(opened.transactions).get()
            let address = try await server.start(at: configuration.listen)
            logger.info(
                "broker is ready",
                metadata: [
                    "address": "\(address)", "data-dir": "\(configuration.dataDirectory)",
                    "cluster": "\(opened.core.clusterID)", "topics": "\(opened.core.topics.all.count)",
                ])
            settle(.success(address))
            await Self.untilShutdown()
            logger.info("broker is shutting down")
        } catch {
            await server.stop()
            await opened.close()
            throw error
        }
        await server.stop()
        await opened.close()
        logger.info("broker has stopped", metadata: ["data-dir": "\(configuration.dataDirectory)"])
    }

    private static func untilShutdown() async {
        // Suspends without a thread until the service group asks to stop, or the task is cancelled.
        try? await gracefulShutdown()
    }

    // MARK: Opening, on a storage thread

    private struct Opened: Sendable {
        let core: BrokerCore
        let groups: GroupLog.Contents
        let transactions: [String: Transaction.Image]
        let lock: DirectoryLock

        func close() async {
            try? await core.transactions.stop().get()
            try? await core.groups.stop().get()
            await core.cleaner.stop()
            await core.topics.close()
            lock.release()
        }
    }

    private func open(on loops: MultiThreadedEventLoopGroup, threads: StorageThreads) throws -> Opened {
        let lock = try lockDirectory()
        do {
            let metadata = try MetadataStore(directory: configuration.dataDirectory, files: files)
            let live = LiveConfiguration(start: configuration, metadata: metadata, logger: logger)
            let topics = TopicStore(
                live: live, files: files, threads: threads, metadata: metadata, logger: logger)
            try topics.open()
            let groupLog = GroupLog(
                topics: topics, snapshotBytes: configuration.groupLogSnapshotBytes, wallClock: wallClock,
                logger: logger)
            let groups = GroupCoordinator(
                eventLoop: loops.next(), limits: { GroupLimits(live.current) }, log: groupLog, wallClock: wallClock,
                logger: logger,
                topicID: { topics.topic(named: $0)?.id })
            let producerIDs = ProducerIDs(metadata: metadata, threads: threads)
            let transactionLog = TransactionLog(
                topics: topics, snapshotBytes: configuration.transactionLogSnapshotBytes, wallClock: wallClock,
                logger: logger)
            let transactions = TransactionCoordinator(
                eventLoop: loops.next(), limits: { TransactionLimits(live.current) }, log: transactionLog,
                topics: topics,
                groups: groups, producerIDs: producerIDs, wallClock: wallClock, logger: logger)
            let cleaner = Cleaner(topics: topics, live: live, logger: logger)
            let core = BrokerCore(
                live: live, clusterID: metadata.image.clusterID.description, topics: topics,
                cleaner: cleaner, groups: groups, transactions: transactions, producerIDs: producerIDs,
                threads: threads, memory: MemoryBudget(live: live),
                routes: Route.all, logger: logger, wallClock: wallClock)
            return Opened(
                core: core, groups: try groupLog.load(), transactions: try transactionLog.load(), lock: lock)
        } catch {
            lock.release()
            if error is BrokerError { throw error }
            let reason = (error as? LogError)?.cause as? FileError ?? error as? FileError
            if reason?.code == .tooManyFiles {
                throw BrokerError(
                    .directoryUnusable,
                    "\(configuration.dataDirectory) needs more open files than the \(OpenFileLimit.raise()) allowed; raise "
                        + "the limit (ulimit -n)", cause: error)
            }
            throw BrokerError(
                .damaged,
                "the data directory \(configuration.dataDirectory) cannot be read; what it holds was left as it is",
                cause: error)
        }
    }

    private func lockDirectory() throws(BrokerError) -> DirectoryLock {
        let directory = configuration.dataDirectory
        do throws(FileError) {
            try files.createDirectories(directory)
            return try DirectoryLock(directory: directory, files: files)
        } catch  where error.code == .locked {
            throw BrokerError(
                .directoryInUse,
                "another broker works in \(directory); stop it, or give this one another --data-dir", cause: error)
        } catch  where error.code == .notDirectory {
            let reason = files.exists(directory) ? "it is a file" : "a part of its path is a file"
            throw BrokerError(
                .directoryUnusable, "\(directory) is no directory: \(reason); choose another --data-dir", cause: error)
        } catch {
            throw BrokerError(
                .directoryUnusable,
                "cannot write to \(directory); make it writable for this user, or choose another --data-dir",
                cause: error)
        }
    }
}
