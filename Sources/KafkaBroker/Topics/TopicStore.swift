import KafkaLog
import KafkaProtocol
import Logging
import Synchronization

/// All topics of the broker: what exists is what `MetadataImage` on disk says, and a change is visible only after it
/// has reached the disk.
///
/// Look-ups may come from any thread. Changes run one after the other on a storage thread.
///
/// A crash at any point leaves either the topic or a directory that no image names. `open` finishes deletions (names
/// ending in `.deleted`) and sets other directories of partitions that no image names aside, under a name ending in
/// `.stray`: they may be what an interrupted deletion left, or everything behind an old copy of `metadata`. Nobody but a
/// person removes them.
final class TopicStore: Sendable {
    private struct State {
        var byName: [String: Topic] = [:]
        var nameByID: [KafkaUUID: String] = [:]
        var partitionCount = 0
        var isClosed = false
        /// Deleted topics whose directories still bear their names, and what waits for the names.
        var leaving: [String: Leaving] = [:]
    }

    private struct Leaving {
        var partitions: Int
        var waiting: [@Sendable () -> Void] = []
    }

    private static let straySuffix = ".stray"

    let directory: String
    let configuration: BrokerConfiguration
    /// Who may add to a transaction where; partitions ask it.
    let transactions = TransactionRegistry()
    private let files: any FileSystem
    private let threads: StorageThreads
    private let metadata: MetadataStore
    private let changes: Strand<@Sendable () -> Void>
    private let logger: Logger
    private let state = Mutex(State())

    init(
        configuration: BrokerConfiguration, files: any FileSystem, threads: StorageThreads, metadata: MetadataStore,
        logger: Logger
    ) {
        directory = configuration.dataDirectory
        self.configuration = configuration
        self.files = files
        self.threads = threads
        self.metadata = metadata
        self.logger = logger
        changes = Strand(on: threads) { round in for change in round { change() } }
    }

    func topic(named name: String) -> Topic? {
        state.withLock { $0.byName[name] }
    }

    func topic(id: KafkaUUID) -> Topic? {
        state.withLock { state in state.nameByID[id].flatMap { state.byName[$0] } }
    }

    /// All topics in order of name.
    var all: [Topic] {
        state.withLock { Array($0.byName.values) }.sorted { $0.name < $1.name }
    }

    func partition(_ name: TopicPartition) -> Partition? {
        topic(named: name.topic)?.partition(name.partition)
    }

    /// Makes a topic. `completion` is called once, on a storage thread, when the topic is durable and in service.
    func create(
        _ specification: TopicSpecification, completion: @escaping @Sendable (Result<Topic, TopicError>) -> Void
    ) {
        changes.submit {
            let change: @Sendable () -> Void = {
                completion(Result { () throws(TopicError) in try self.createNow(specification) })
            }
            if !self.mustWait(for: specification.name, change) { change() }
        }
    }

    /// Removes a topic and its records. `completion` is called once, on a storage thread, when the removal is durable;
    /// the files go afterwards.
    func delete(_ name: String, completion: @escaping @Sendable (Result<Topic, TopicError>) -> Void) {
        changes.submit {
            completion(Result { () throws(TopicError) in try self.deleteNow(name) })
        }
    }

    /// Why a topic cannot be made, without making it.
    func refusal(of specification: TopicSpecification) -> TopicError? {
        if let fault = TopicName.fault(in: specification.name) { return TopicError(.invalidTopic, fault) }
        if topic(named: specification.name) != nil {
            return TopicError(.topicAlreadyExists, "topic \(specification.name) exists")
        }
        guard specification.partitions > 0 else {
            return TopicError(.invalidPartitions, "a topic has at least one partition")
        }
        let count = state.withLock { $0.partitionCount }
        guard count + Int(specification.partitions) <= configuration.maxPartitions else {
            return TopicError(
                .policyViolation,
                "\(specification.partitions) more partitions would exceed max.partitions=\(configuration.maxPartitions)"
            )
        }
        return nil
    }

    // MARK: Changes, on the strand

    private func checkOpen() throws(TopicError) {
        if state.withLock({ $0.isClosed }) { throw TopicError(.notController, "the broker is shutting down") }
    }

    private func createNow(_ specification: TopicSpecification) throws(TopicError) -> Topic {
        try checkOpen()
        if let refusal = refusal(of: specification) { throw refusal }
        let entry = MetadataImage.Topic(
            name: specification.name, id: .random(), partitions: specification.partitions,
            configuration: specification.configuration)
        do {
            for path in paths(of: entry) where files.exists(path) { try setAside(path) }
        } catch {
            throw refused(entry, error)
        }
        do {
            let logs = try openLogs(of: entry)
            try metadata.update { $0.topics.append(entry) }
            let topic = publish(entry, logs: logs)
            logger.info(
                "created topic", metadata: ["topic": "\(topic.name)", "partitions": "\(topic.partitions.count)"])
            return topic
        } catch {
            removeRemains(of: entry)
            throw refused(entry, error)
        }
    }

    private func refused(_ entry: MetadataImage.Topic, _ error: any Error) -> TopicError {
        logger.error("cannot create topic", metadata: ["topic": "\(entry.name)", "reason": "\(error)"])
        return TopicError(.kafkaStorageError, "the topic's files cannot be written: \(error)")
    }

    /// Removes the directories of a topic that could not be made; nothing else bore their names before.
    private func removeRemains(of entry: MetadataImage.Topic) {
        for path in paths(of: entry) where files.exists(path) {
            do throws(LogError) {
                try PartitionLog.delete(directory: path, files: files)
            } catch {
                logger.warning(
                    "cannot remove what is left of a topic that could not be made; the next start sets it aside",
                    metadata: ["path": "\(path)", "reason": "\(error)"])
            }
        }
    }

    private func deleteNow(_ name: String) throws(TopicError) -> Topic {
        try checkOpen()
        guard let topic = topic(named: name) else {
            throw TopicError(.unknownTopicOrPartition, "there is no topic \(name)")
        }
        guard !topic.isInternal else { throw TopicError(.invalidRequest, "\(name) is the broker's own") }
        do {
            try metadata.update { image in image.topics.removeAll { $0.name == name } }
        } catch {
            logger.error("cannot delete topic", metadata: ["topic": "\(name)", "reason": "\(error)"])
            throw TopicError(.kafkaStorageError, "the removal cannot be written: \(error)")
        }
        state.withLock { state in
            state.byName[name] = nil
            state.nameByID[topic.id] = nil
            state.partitionCount -= topic.partitions.count
        }
        removeFiles(of: topic)
        logger.info("deleted topic", metadata: ["topic": "\(name)"])
        return topic
    }

    /// Deletes the partitions' logs. Until that is done a topic of the same name has to wait: it would have the same
    /// directories.
    private func removeFiles(of topic: Topic) {
        state.withLock { $0.leaving[topic.name] = Leaving(partitions: topic.partitions.count) }
        for partition in topic.partitions {
            partition.delete { self.left(topic.name) }
        }
    }

    /// One directory of a deleted topic has given up its name; after the last one, whoever wants the name may have it.
    private func left(_ name: String) {
        let waiting = state.withLock { state -> [@Sendable () -> Void] in
            state.leaving[name]?.partitions -= 1
            guard let leaving = state.leaving[name], leaving.partitions <= 0 else { return [] }
            state.leaving[name] = nil
            return leaving.waiting
        }
        for change in waiting { changes.submit(change) }
    }

    /// Puts `change` off if the directories of a deleted topic still have this name.
    private func mustWait(for name: String, _ change: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.leaving[name] != nil else { return false }
            state.leaving[name]?.waiting.append(change)
            return true
        }
    }

    private func publish(_ entry: MetadataImage.Topic, logs: [PartitionLog]) -> Topic {
        let partitions = logs.enumerated().map { index, log in
            Partition(
                name: TopicPartition(topic: entry.name, partition: Int32(index)), log: log, threads: threads,
                transactions: transactions, logger: logger)
        }
        let topic = Topic(
            name: entry.name, id: entry.id, configuration: entry.configuration, partitions: partitions)
        state.withLock { state in
            state.byName[topic.name] = topic
            state.nameByID[topic.id] = topic.name
            state.partitionCount += partitions.count
        }
        return topic
    }

    // MARK: Retention

    /// Removes old segments, as `retention.ms` and `retention.bytes` of each topic say, on storage threads.
    func applyRetention() {
        for partition in all.flatMap(\.partitions) where partition.log.configuration.hasRetention {
            threads.submit { [logger] in
                do throws(LogError) {
                    let count = try partition.log.applyRetention()
                    guard count > 0 else { return }
                    logger.info(
                        "removed old segments",
                        metadata: [
                            "topic": "\(partition.name.topic)", "partition": "\(partition.name.partition)",
                            "segments": "\(count)",
                        ])
                } catch {
                    logger.warning("cannot apply retention", metadata: ["reason": "\(error)"])
                }
            }
        }
    }

    // MARK: Directories

    private func path(of topic: String, _ partition: Int32) -> String {
        "\(directory)/\(topic)-\(partition)"
    }

    private func paths(of entry: MetadataImage.Topic) -> [String] {
        (0..<entry.partitions).map { path(of: entry.name, $0) }
    }

    private func openLogs(of entry: MetadataImage.Topic) throws -> [PartitionLog] {
        let pinned = TopicName.internal.contains(entry.name) ? InternalLog.properties : [:]
        let configuration = TopicConfiguration(
            overrides: entry.configuration.merging(pinned) { $1 }, defaults: self.configuration.topicDefaults)
        let paths = paths(of: entry)
        return try threads.inParallel(paths.count) { index in
            try PartitionLog.open(directory: paths[index], configuration: configuration.log, files: self.files)
        }
    }

    private func setAside(_ path: String) throws(FileError) {
        let newPath = sideName(of: path, suffix: Self.straySuffix)
        try files.rename(path, to: newPath)
        try files.syncDirectory(directory)
        logger.warning(
            "set aside a directory that belongs to no topic; look whether anybody misses it",
            metadata: ["path": "\(newPath)", "was": "\(path)"])
    }

    /// Sets aside what looks like a partition's directory and is none of the image's.
    private func setStraysAside(_ image: MetadataImage) throws {
        let known = Set(image.topics.flatMap(paths))
        for name in try files.list(directory).sorted() where Self.isPartitionName(name) {
            let path = "\(directory)/\(name)"
            guard !known.contains(path), (try? files.list(path)) != nil else { continue }
            try setAside(path)
        }
    }

    /// A topic's name, a dash and a number.
    private static func isPartitionName(_ name: String) -> Bool {
        guard let dash = name.lastIndex(of: "-") else { return false }
        let digits = name[name.index(after: dash)...]
        return !digits.isEmpty && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && TopicName.fault(in: String(name[..<dash])) == nil
    }

    /// Opens everything the image names, recovering what was not closed cleanly. Blocks.
    func open() throws {
        let image = metadata.image
        try PartitionLog.finishDeletions(in: directory, files: files)
        try setStraysAside(image)
        for entry in image.topics {
            let logs = try openLogs(of: entry)
            for report in logs.map(\.recoveryReport) where report.verdict == .recovered || report.isNoteworthy {
                logger.log(
                    level: report.isNoteworthy ? .notice : .info, "recovered a log", metadata: ["report": "\(report)"])
            }
            _ = publish(entry, logs: logs)
        }
    }

    /// Closes all logs with their clean-shutdown markers, after whatever is still in their mailboxes.
    func close() async {
        await withCheckedContinuation { continuation in
            changes.submit {
                self.state.withLock { $0.isClosed = true }
                continuation.resume()
            }
        }
        await withTaskGroup { group in
            for partition in all.flatMap(\.partitions) {
                group.addTask { await partition.close() }
            }
        }
    }
}
