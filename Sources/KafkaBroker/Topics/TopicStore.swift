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
    struct State {
        var byName: [String: Topic] = [:]
        var nameByID: [KafkaUUID: String] = [:]
        var partitionCount = 0
        var isClosed = false
        /// Deleted topics whose directories still bear their names, and what waits for the names.
        var leaving: [String: Leaving] = [:]
    }

    struct Leaving {
        var partitions: Int
        var waiting: [@Sendable () -> Void] = []
    }

    private static let straySuffix = ".stray"

    let directory: String
    let live: LiveConfiguration
    /// Who may add to a transaction where; partitions ask it.
    let transactions = TransactionRegistry()
    let files: any FileSystem
    private let threads: StorageThreads
    let metadata: MetadataStore
    let changes: Strand<@Sendable () -> Void>
    let logger: Logger
    let state = Mutex(State())

    init(
        live: LiveConfiguration, files: any FileSystem, threads: StorageThreads, metadata: MetadataStore,
        logger: Logger
    ) {
        directory = live.current.dataDirectory
        self.live = live
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

    func onThread(_ work: @escaping @Sendable () -> Void) {
        threads.submit(work)
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
        return refusal(ofMore: specification.partitions)
    }

    func refusal(ofMore partitions: Int32) -> TopicError? {
        let limit = live.current.maxPartitions
        guard state.withLock({ $0.partitionCount }) + Int(partitions) > limit else { return nil }
        return TopicError(.policyViolation, "\(partitions) more partitions would exceed max.partitions=\(limit)")
    }

    // MARK: Changes, on the strand

    func checkOpen() throws(TopicError) {
        if state.withLock({ $0.isClosed }) { throw TopicError(.notController, "the broker is shutting down") }
    }

    private func createNow(_ specification: TopicSpecification) throws(TopicError) -> Topic {
        try checkOpen()
        if let refusal = refusal(of: specification) { throw refusal }
        let entry = MetadataImage.Topic(
            name: specification.name, id: .random(), partitions: specification.partitions,
            configuration: specification.configuration)
        do {
            let logs = try makeLogs(of: entry, from: 0)
            do {
                try metadata.update { $0.topics.append(entry) }
            } catch {
                removeRemains(of: entry, from: 0)
                throw error
            }
            let topic = publish(entry, logs: logs)
            logger.info(
                "created topic", metadata: ["topic": "\(topic.name)", "partitions": "\(topic.partitions.count)"])
            return topic
        } catch {
            throw refused(entry, error)
        }
    }

    /// Makes the logs of a topic's partitions from a number on; whatever else bears their names is set aside. When this
    /// throws, nothing is left of them.
    func makeLogs(of entry: MetadataImage.Topic, from first: Int32) throws -> [PartitionLog] {
        for path in paths(of: entry, from: first) where files.exists(path) { try setAside(path) }
        do {
            return try openLogs(of: entry, from: first)
        } catch {
            removeRemains(of: entry, from: first)
            throw error
        }
    }

    func refused(_ entry: MetadataImage.Topic, _ error: any Error) -> TopicError {
        logger.error("cannot make partitions", metadata: ["topic": "\(entry.name)", "reason": "\(error)"])
        return TopicError(.kafkaStorageError, "the topic's files cannot be written: \(error)")
    }

    /// Removes the directories of partitions that could not be made; nothing else bears their names.
    func removeRemains(of entry: MetadataImage.Topic, from first: Int32) {
        for path in paths(of: entry, from: first) where files.exists(path) {
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

    /// Puts a topic in service, or one with more partitions or other properties in its place: `present` are those that
    /// are in service.
    @discardableResult
    func publish(_ entry: MetadataImage.Topic, logs: [PartitionLog], behind present: [Partition] = []) -> Topic {
        let new = logs.enumerated().map { index, log in
            Partition(
                name: TopicPartition(topic: entry.name, partition: Int32(present.count + index)), log: log,
                threads: threads, transactions: transactions, logger: logger)
        }
        let topic = Topic(
            name: entry.name, id: entry.id, configuration: overrides(of: entry), partitions: present + new)
        state.withLock { state in
            state.byName[topic.name] = topic
            state.nameByID[topic.id] = topic.name
            state.partitionCount += new.count
        }
        return topic
    }

    // MARK: Directories

    private func path(of topic: String, _ partition: Int32) -> String {
        "\(directory)/\(topic)-\(partition)"
    }

    private func paths(of entry: MetadataImage.Topic, from first: Int32 = 0) -> [String] {
        (first..<entry.partitions).map { path(of: entry.name, $0) }
    }

    private func openLogs(of entry: MetadataImage.Topic, from first: Int32 = 0) throws -> [PartitionLog] {
        let configuration = logConfiguration(overrides(of: entry))
        let paths = paths(of: entry, from: first)
        return try threads.inParallel(paths.count) { index in
            try PartitionLog.open(directory: paths[index], configuration: configuration, files: self.files)
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
        let known = Set(image.topics.flatMap { paths(of: $0) })
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
            publish(entry, logs: logs)
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
