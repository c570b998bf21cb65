/// Knows which of librdkafka's lines say again what was said not long ago: while a broker is away, each attempt to reach it
/// ends in the same words, but for the time that it took.
struct RepeatedLines {
    /// So long a line is not worth repeating.
    static let interval = Duration.seconds(30)
    /// So many are known; then it begins anew.
    static let limit = 100

    private var said: [String: ContinuousClock.Instant] = [:]

    /// Notes a line, and tells whether it was there not long ago.
    mutating func isRepeated(_ line: String, at now: ContinuousClock.Instant = .now) -> Bool {
        let words = line.withoutClock
        if let before = said[words], now - before < Self.interval { return true }
        if said.count >= Self.limit { said = [:] }
        said[words] = now
        return false
    }
}
