/// How long to wait before the next attempt: doubling from the first delay up to the longest.
public struct Backoff: Hashable, Sendable {
    /// The delay after the first failure.
    public var first: Duration

    /// What the delay grows to.
    public var longest: Duration

    /// A pace from `first`, doubling, to `longest`.
    public init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The delay after `attempts` attempts that failed, from 1.
    public func delay(after attempts: Int) -> Duration {
        var delay = first
        var remaining = attempts - 1
        while remaining > 0, delay < longest {
            delay *= 2
            remaining -= 1
        }
        return min(delay, longest)
    }
}
