/// Holds bytes to a rate: pure, with the clock given. What was not used is not saved up for longer than a tenth of a second.
struct Throttle: Sendable {
    private static let burst: Double = 0.1

    let bytesPerSecond: Int64
    /// When the bytes so far would have gone at the rate, in nanoseconds of a steady clock.
    private var paidUntil: Int64 = .min

    init(bytesPerSecond: Int64) { self.bytesPerSecond = bytesPerSecond }

    /// Counts bytes that have just gone. Returns for how many nanoseconds to wait before more go.
    mutating func take(_ bytes: Int, now: Int64) -> Int64 {
        guard bytesPerSecond < .max else { return 0 }
        let cost = Int64(clamping: Int((Double(bytes) / Double(bytesPerSecond) * 1e9).rounded()))
        paidUntil = max(paidUntil, now - Int64(Self.burst * 1e9)) + cost
        return max(0, paidUntil - now)
    }
}
