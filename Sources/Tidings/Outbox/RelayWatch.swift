import Synchronization

/// What a relay's watch knows between two looks: which alarms are raised, and since when Kafka owes an answer.
final class RelayWatch: Sendable {
    private struct State {
        var raised: Set<OutboxAlarm.Kind> = []
        var sendingSince: Duration?
        var refusal: String?
        var hasFirstShard = false
    }

    private let state = Mutex(State())

    /// Whether this relay is the one that looks after the outbox as a whole.
    var hasFirstShard: Bool {
        get { state.withLock { $0.hasFirstShard } }
        set { state.withLock { $0.hasFirstShard = newValue } }
    }

    /// Since when what was sent has not been taken, and what Kafka last said to it.
    var sending: (since: Duration, refusal: String?)? {
        state.withLock { state in state.sendingSince.map { ($0, state.refusal) } }
    }

    /// Notes that a batch is on its way.
    func sends(at time: Duration) {
        state.withLock { $0.sendingSince = $0.sendingSince ?? time }
    }

    /// Notes the answer: nil when nothing has to be sent again.
    func answered(_ refusal: String?) {
        state.withLock { state in
            state.refusal = refusal
            if refusal == nil { state.sendingSince = nil }
        }
    }

    /// Whether an alarm is to be raised (true) or over (false); nil when nothing has changed.
    ///
    /// It is over at half the limit, so that one who stands at the limit does not call every second.
    func judge(_ kind: OutboxAlarm.Kind, age: Duration, limit: Duration) -> Bool? {
        judge(kind, age / .seconds(1), limit: limit / .seconds(1))
    }

    func judge(_ kind: OutboxAlarm.Kind, _ measure: Double, limit: Double) -> Bool? {
        state.withLock { state in
            if measure > limit { return state.raised.insert(kind).inserted ? true : nil }
            if measure <= limit / 2 { return state.raised.remove(kind) != nil ? false : nil }
            return nil
        }
    }
}
