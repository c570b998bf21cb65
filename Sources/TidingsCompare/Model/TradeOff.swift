/// What the outbox's curve tells: time against processor time, from gathering nothing to gathering for long.
struct TradeOff: Sendable {
    let first: Comparison.Figures
    let last: Comparison.Figures
    /// Whether an event that gathers longer comes later. If it does not, something else decides when it comes.
    let isSteady: Bool
    /// Where gathering longer spares next to nothing more; nil where no gathering spares anything beyond noise.
    let bend: Comparison.Figures?

    /// Nil for less than two points.
    init?(_ curve: [Comparison.Figures]) {
        let points = curve.sorted { ($0.gathering ?? 0) < ($1.gathering ?? 0) }
        guard points.count > 1, let first = points.first, let last = points.last else { return nil }
        (self.first, self.last) = (first, last)
        let delays = points.map(\.afterCommit.median.median)
        isSteady = zip(delays, delays.dropFirst()).allSatisfy { $1 >= 0.9 * $0 }
        let least = points.map(\.cpu.median).min() ?? 0
        let bend = points.first { $0.cpu.median <= 1.15 * least }
        self.bend =
            isSteady && bend.map { $0.gathering != first.gathering && !$0.cpu.isWithinNoise(of: first.cpu) } == true
            ? bend : nil
    }
}
