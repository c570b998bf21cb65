extension PartitionedView {
    /// Takes over what snapshots hold of the partitions that are new here.
    ///
    /// Where a snapshot's place cannot be read for the moment it is waited for, unless others of the partitions, which are
    /// read already, would wait too: then the new one's history is read.
    ///
    /// - Throws: `CancellationError`, at graceful shutdown too.
    func restore() async throws {
        guard let snapshots else { return }
        let waits = board.withCore { $0.unrestored.count == $0.held.count }
        for number in board.withCore(\.unrestored) {
            let found = try await snapshots.part(number).load(
                for: SnapshotPlace.part(number, of: name), topics: topics, waits: waits, configuration, clock,
                logger)
            board.update { $0.restore(number, found) }
        }
    }

    /// Writes the states of the partitions that are here, each with its positions taken at the same moment. What fails
    /// leaves the old snapshot; a newer one, of another instance, stays.
    public func takeSnapshot() async {
        guard let snapshots else { return }
        for number in board.withCore({ $0.held.keys.sorted() }) {
            guard let taken = board.update({ $0.takeForSnapshot(number) }) else { continue }
            probe?.reached(Step(.snapshotTaken, []))
            let isThere = await snapshots.part(number).save(
                taken.state, taken.positions, for: SnapshotPlace.part(number, of: name),
                overNewer: taken.replacesNewer, metrics, logger)
            if !isThere { board.update { $0.notKept(number, taken) } }
            probe?.reached(Step(.snapshotKept, []))
        }
    }
}
