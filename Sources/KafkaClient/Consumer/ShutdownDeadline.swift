/// How a consumer's shutdown spends its time: first it waits for the reader and the hooks, then for the group to be
/// left, then for nothing.
struct ShutdownDeadline {
    enum Stage {
        /// The reader may finish its batch, and the hooks theirs.
        case waiting
        /// Both had their time; the group is left without them.
        case leaving
        /// Nothing is waited for any more.
        case over
    }

    private let leavingBegins: ContinuousClock.Instant
    private let end: ContinuousClock.Instant

    /// The last quarter of `timeout`, at most five seconds, is kept for leaving the group: an answer from the broker.
    init(_ timeout: Duration, from now: ContinuousClock.Instant) {
        end = now + max(.zero, timeout)
        leavingBegins = end - min(max(.zero, timeout) / 4, .seconds(5))
    }

    func stage(at now: ContinuousClock.Instant) -> Stage {
        now < leavingBegins ? .waiting : now < end ? .leaving : .over
    }

    /// Milliseconds until the next stage, rounded up; -1 if there is none.
    func patience(at now: ContinuousClock.Instant) -> Int32 {
        switch stage(at: now) {
        case .waiting: Int32(clamping: (leavingBegins - now).milliseconds + 1)
        case .leaving: Int32(clamping: (end - now).milliseconds + 1)
        case .over: -1
        }
    }
}
