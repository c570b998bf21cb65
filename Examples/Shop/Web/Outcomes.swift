import Hummingbird
import Synchronization

/// What came of the latest forms, until the page that follows a form has shown it.
final class Outcomes<Outcome: Sendable>: Sendable {
    private struct State {
        var outcomes: [Int: Outcome] = [:]
        /// The oldest first.
        var numbers: [Int] = []
    }

    private let state = Mutex(State())
    private static var kept: Int { 100 }

    /// Keeps what came of a form; returns the number under which it is found. It is drawn by lot: a page that stays open
    /// while the process is started again does not ask for somebody else's.
    func keep(_ outcome: Outcome) -> Int {
        state.withLock { state in
            let number = Int.random(in: 1...Int(Int32.max))
            state.outcomes[number] = outcome
            state.numbers.append(number)
            if state.numbers.count > Self.kept { state.outcomes[state.numbers.removeFirst()] = nil }
            return number
        }
    }

    /// The outcome that a page's address asks for (`?did=3`): only what was really done was ever kept.
    func asked(by request: Request) -> Outcome? {
        guard let number = try? request.queryNumber("did") else { return nil }
        return state.withLock { $0.outcomes[number] }
    }
}
