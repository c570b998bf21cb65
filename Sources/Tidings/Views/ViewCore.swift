import KafkaClient

/// What a view holds: what it answers from and, while it is rebuilt, what will take its place. Knows no Kafka and no
/// clock; used under the view's lock.
struct ViewCore<State: Sendable>: BoardCore {
    /// A state with the history it was folded from.
    struct Edition: Sendable {
        var number: Int
        var state: State
        var tracker = HistoryTracker()
        /// What was read before this process: from a snapshot.
        var stored: [TopicPartition: Int64] = [:]
        var start: ContinuousClock.Instant
        var timeToReady: Duration?
        /// Another version of the fold made most of it; this version's is on its way.
        var isStandIn = false
        /// Whether the next snapshot takes a newer one's place, too: what that was folded from is lost, or it cannot be used.
        var replacesNewer = false
        /// Ended when another edition has taken its place.
        var retirement: AsyncStream<Never>.Continuation

        var positions: [TopicPartition: Int64] { stored.merging(tracker.positions) { $1 } }

        var progress: ViewProgress {
            ViewProgress(
                records: tracker.records, total: tracker.total, remaining: tracker.remaining,
                elapsed: timeToReady ?? (.now - start), isReady: tracker.isReady)
        }
    }

    /// What somebody waits for.
    enum Condition: Sendable {
        case ready
        case includes(RecordPlace)
        /// That edition may go on: what answers stands still while its successor, which is ready, comes up to it.
        case turn(of: Int)
    }

    var live: Edition
    var shadow: Edition?
    var ending: (any Error)?

    init(live: Edition) {
        self.live = live
    }

    func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .ready: live.tracker.isReady
        case .includes(let place): live.tracker.isReady && live.tracker.includes(place)
        case .turn(let number): number != live.number || shadow?.tracker.isReady != true
        }
    }

    mutating func edit(_ number: Int, _ body: (inout Edition) throws -> Void) rethrows -> Bool {
        if live.number == number {
            try body(&live)
            return true
        }
        // Taken out, so that its state is changed in place and not copied.
        guard shadow?.number == number, var edition = shadow.take() else { return false }
        defer { shadow = edition }
        try body(&edition)
        return true
    }

    /// Has the shadow take over once it is as far as what it replaces: nobody sees the view go back in time.
    mutating func swapIfReady() {
        guard var shadow, shadow.tracker.isReady, shadow.tracker.isAsFar(as: live.tracker) else { return }
        live.retirement.finish()
        if live.replacesNewer { shadow.replacesNewer = true }
        live = shadow
        self.shadow = nil
    }
}
