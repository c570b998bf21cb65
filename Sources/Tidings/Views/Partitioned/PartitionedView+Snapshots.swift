extension PartitionedView {
    /// Takes over what snapshots hold of the partitions that are new here.
    func restore() async {
        guard let snapshots else { return }
        for number in board.withCore(\.unrestored) {
            let found = await snapshots.part(number).load(for: name(of: number), topics: topics, logger: logger)
            board.update { $0.restore(number, found) }
        }
    }

    /// Writes the states of the partitions that are here, each with its positions taken at the same moment. What fails
    /// leaves the old snapshot.
    public func takeSnapshot() async {
        guard let snapshots else { return }
        for number in board.withCore({ $0.held.keys.sorted() }) {
            guard let held = board.withCore({ $0.held[number] }), !held.positions.isEmpty else { continue }
            await snapshots.part(number).save(
                held.state, held.positions, for: name(of: number), metrics: metrics, logger: logger)
        }
    }

    private func name(of number: Int32) -> String { "\(name)/\(number)" }
}
