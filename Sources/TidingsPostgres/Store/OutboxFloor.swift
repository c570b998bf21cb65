/// From which number on a relay looks for the rows of a shard; below it there are none and never will be any.
///
/// Without it, each claim would walk over all that was sent since the server could last clean up, which an old snapshot
/// (a backup, a forgotten transaction) delays for as long as it stays open.
///
/// Numbers are drawn before they are visible, so that the lowest visible one proves nothing: a transaction that is still
/// under way may have drawn a lower one. Therefore a *candidate* is noted together with the server's next transaction
/// id. All numbers below the candidate have been drawn at that time, each by a transaction that already had its id
/// (``OutboxAppend`` sees to that), and so one below the noted. Once every transaction below the noted id is over,
/// each of those numbers is visible or never will be; and then the lowest visible one, or the candidate if that is lower,
/// is the floor. A transaction that takes long delays this, and costs time; it cannot cost an event.
struct OutboxFloor: Equatable {
    /// The floor, as far as it is proven.
    private(set) var value: Int64

    /// All numbers below have been drawn, and were seen or belong to transactions under way.
    private var drawn: Int64 = 0
    private var highest: Int64 = 0
    private var candidate: Int64?
    private var candidateID: Int64 = 0

    init(_ value: Int64 = 0) {
        self.value = value
    }

    /// Notes what a look at the rows from ``value`` on has shown.
    ///
    /// - Parameters:
    ///   - lowest: the first visible number from ``value`` on; nil when there is none.
    ///   - highest: the highest number that was read.
    ///   - oldestID: the lowest id of a transaction still under way, as of before the look.
    ///   - nextID: the id that the next transaction gets, as of before the look.
    mutating func looked(lowest: Int64?, highest seen: Int64?, oldestID: Int64, nextID: Int64) {
        if let proven = candidate, oldestID >= candidateID {
            value = max(value, min(proven, lowest ?? proven))
            candidate = nil
        }
        // From the look before this one, so that the id was asked for later than the number was seen.
        if candidate == nil, drawn > value {
            candidate = drawn
            candidateID = nextID
        }
        highest = max(highest, seen ?? 0)
        drawn = max(drawn, lowest ?? highest + 1)
    }
}
