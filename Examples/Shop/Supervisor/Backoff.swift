/// How long to wait before a process that died is started again: not at all for one that had been working, longer and
/// longer for one that dies at once every time.
struct Backoff: Sendable {
    /// A process that lived this long had been working.
    static let settled: Duration = .seconds(3)
    static let first: Duration = .milliseconds(200)
    static let longest: Duration = .seconds(5)

    /// How many times in a row it died before it had settled.
    private(set) var earlyDeaths = 0

    /// Notes a death after `lifetime` and says how long to wait.
    mutating func died(after lifetime: Duration) -> Duration {
        if lifetime >= Self.settled { earlyDeaths = 0 }
        earlyDeaths += 1
        if earlyDeaths <= 2 { return .zero }
        return min(Self.first * (1 << min(earlyDeaths - 3, 10)), Self.longest)
    }
}
