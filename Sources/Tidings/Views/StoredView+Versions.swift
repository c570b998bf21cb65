import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization

/// Which version of the fold answers, and how another one takes its place.
///
/// In the database each version has offsets of its own, as the group `view:NAME:VERSION`. Beside them are marks, written
/// as offsets of partitions that cannot be: one of the view says which version answers (or, in place, which one the
/// state is of), one of each version that its state has been reset for it.
extension StoredView {
    /// What is known of the version that this one replaces.
    struct Handover: Sendable {
        /// Whether this version answers.
        var isDone = false
        /// Where the other one was when this one was found ready; nobody sees the view go back behind that.
        var targets: [TopicPartition: Int64]?
    }

    private var group: String { "view:\(name)" }

    func place(_ partition: TopicPartition, of version: Int32? = nil) -> GroupPartition {
        GroupPartition(
            group: "\(group):\(version ?? self.version)", topic: partition.topic, partition: partition.partition)
    }

    /// Which version answers.
    private var mark: GroupPartition { GroupPartition(group: group, topic: "", partition: 0) }

    /// 1 when that version's state has been reset.
    private func preparation(of version: Int32) -> GroupPartition { place(TopicPartition("", 0), of: version) }

    /// Another instance was faster; what is to be done must be seen anew.
    struct Overtaken: Error {}

    /// Another instance has reset the state; history must be read anew.
    struct SetBack: Error {}

    // MARK: Which one answers

    /// The version that answers, as the database has it; nil before the first one is ready.
    public func answeringVersion() async throws -> Int32? {
        let (store, mark) = (store, mark)
        return try await store.transaction { try store.offset(of: mark, in: $0).map { Int32(clamping: $0) } }
    }

    /// The version whose state may be looked at by this process.
    func answering(in transaction: S.Transaction, isReady: Bool) throws -> Int32? {
        if isReady { return version }
        guard rebuilding == .beside, let marked = try store.offset(of: mark, in: transaction) else { return nil }
        // What a later version has made is unknown here.
        return marked < Int64(version) ? Int32(clamping: marked) : nil
    }

    /// - Throws: ``TidingsError/Code/fenced`` when the tables are another version's by now.
    func checkVersion(in transaction: S.Transaction) throws {
        guard rebuilding == .inPlace, try store.offset(of: mark, in: transaction) != Int64(version) else { return }
        throw TidingsError(
            .fenced, "another version of the view \(name) has reset its tables; this one, \(version), stops")
    }

    /// Deletes what is left of a version that no process runs any more.
    ///
    /// ```swift
    /// try await customers.remove(1) { try $0.execute(sql: "DROP TABLE customer_1") }
    /// ```
    /// - Parameter drop: deletes its tables, in the transaction that deletes its offsets.
    /// - Throws: ``TidingsError/Code/invalidConfiguration`` when it is the one that answers; what the database or `drop`
    ///   throws.
    public func remove(_ version: Int32, _ drop: @escaping @Sendable (S.Transaction) throws -> Void) async throws {
        let partitions = try await partitionsThereAre()
        let (store, mark) = (store, mark)
        try await store.transaction { transaction in
            guard version != self.version, try store.offset(of: mark, in: transaction) != Int64(version) else {
                throw TidingsError(
                    .invalidConfiguration, "version \(version) of the view \(self.name) is in use: it answers")
            }
            try drop(transaction)
            try self.forget(version, partitions, in: transaction)
        }
    }

    private func partitionsThereAre() async throws -> Set<TopicPartition> {
        let seen = partitionsSeen.withLock { $0 }
        return seen.isEmpty ? Set(try await reader.partitionsThereAre()) : seen
    }

    /// Deletes a version's offsets and its mark.
    private func forget(_ version: Int32, _ partitions: Set<TopicPartition>, in transaction: S.Transaction) throws {
        for place in partitions.map({ place($0, of: version) }) + [preparation(of: version)] {
            let lanes = try store.lanes(of: place, in: transaction)
            guard !lanes.isEmpty else { continue }
            guard try store.divide(place, from: lanes, into: [], in: transaction) else { throw Overtaken() }
        }
    }

    // MARK: Beginning

    /// Resets the state unless it is of this version already.
    func begin(anew: Bool) async throws {
        let partitions = partitionsSeen.withLock { $0 }
        try await persistently {
            try await self.store.transaction { try self.begin(anew: anew, partitions, in: $0) }
        }
    }

    private func begin(anew: Bool, _ partitions: Set<TopicPartition>, in transaction: S.Transaction) throws {
        let mark = rebuilding == .inPlace ? mark : preparation(of: version)
        let prepared = rebuilding == .inPlace ? Int64(version) : 1
        let before = try store.offset(of: mark, in: transaction)
        if before == prepared, !anew { return }
        try reset(transaction)
        try forget(version, partitions, in: transaction)
        // Forgetting took the version's own mark away too.
        let now = try store.offset(of: mark, in: transaction)
        if now != prepared {
            guard try store.advance(mark, from: now, to: prepared, in: transaction) else { throw Overtaken() }
        }
    }

    // MARK: Taking over

    /// Has this version answer once it is ready and as far as the one it replaces was by then.
    func takeOver() async throws {
        guard rebuilding == .beside, board.withCore({ $0.live.tracker.isReady }) else { return }
        while !handover.withLock({ $0.isDone }) {
            guard let targets = handover.withLock({ $0.targets }) else {
                try await findTargets()
                continue
            }
            let positions = board.withCore { $0.live.tracker.positions }
            guard targets.allSatisfy({ positions[$0.key] ?? 0 >= $0.value }) else { return }
            let (store, mark, version) = (store, mark, Int64(version))
            try await persistently {
                try await store.transaction { transaction in
                    let before = try store.offset(of: mark, in: transaction)
                    if before == version { return }
                    guard try store.advance(mark, from: before, to: version, in: transaction) else {
                        throw Overtaken()
                    }
                    self.probe?.reached(Step(.versionSwapping, []))
                }
            }
            probe?.reached(Step(.versionSwapped, []))
            handover.withLock { $0.isDone = true }
            logger.info(
                "a version of a view answers from now on", metadata: ["view": "\(name)", "version": "\(version)"])
        }
    }

    private func findTargets() async throws {
        let partitions = partitionsSeen.withLock { $0 }
        let (store, mark) = (store, mark)
        let (answering, targets) = try await persistently {
            try await store.transaction { transaction in
                guard let answering = try store.offset(of: mark, in: transaction).map({ Int32(clamping: $0) }) else {
                    return (nil as Int32?, [:] as [TopicPartition: Int64])
                }
                let targets = try partitions.reduce(into: [:]) { targets, partition in
                    targets[partition] = try store.offset(of: self.place(partition, of: answering), in: transaction)
                }
                return (answering, targets)
            }
        }
        handover.withLock { handover in
            handover.isDone = answering == version
            handover.targets = targets
        }
    }

    /// The database may be away, or another instance faster: again, for as long as it takes.
    func persistently<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        try await configuration.persistently(clock) { error in
            if error is Overtaken { return true }
            guard store.isRetriable(error) else { return false }
            logger.warning("a view's database refuses", metadata: ["view": "\(name)", "error": "\(error)"])
            return true
        } _: {
            try await body()
        }
    }
}
