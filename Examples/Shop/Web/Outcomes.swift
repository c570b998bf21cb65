import Hummingbird
import Synchronization

/// What came of a form, in a sentence: with a tone, and the mark and the role that say the same.
struct Notice: Sendable {
    let tone: String
    let mark: String
    let role: String
    var sentence: String

    static func calm(_ sentence: String) -> Notice {
        Notice(tone: "calm", mark: "✓", role: "status", sentence: sentence)
    }

    /// It was done, and something is not well all the same, or not yet.
    static func doubtful(_ sentence: String) -> Notice {
        Notice(tone: "flowing", mark: "!", role: "status", sentence: sentence)
    }

    static func broken(_ sentence: String) -> Notice {
        Notice(tone: "broken", mark: "✕", role: "alert", sentence: sentence)
    }

    static func + (notice: Notice, words: String) -> Notice {
        var notice = notice
        notice.sentence += words
        return notice
    }
}

/// What came of the latest forms, until the page that follows a form has shown it.
final class Outcomes<Outcome: Sendable>: Sendable {
    private struct State {
        var outcomes: [Int: Outcome] = [:]
        /// The oldest first.
        var numbers: [Int] = []
    }

    private let state = Mutex(State())
    private static var kept: Int { 100 }

    /// Leads to the page at `path`, which shows what came of the form. The number under which that is found is drawn by lot:
    /// a page that stays open while the process is started again does not ask for somebody else's.
    func show(_ outcome: Outcome, at path: String) -> Response {
        let number = state.withLock { state in
            let number = Int.random(in: 1...Int(Int32.max))
            state.outcomes[number] = outcome
            state.numbers.append(number)
            if state.numbers.count > Self.kept { state.outcomes[state.numbers.removeFirst()] = nil }
            return number
        }
        return .seeOther("\(path)?did=\(number)#did")
    }

    /// The outcome that a page's address asks for (`?did=3`): only what really came of a form was ever kept.
    func asked(by request: Request) -> Outcome? {
        guard let number = try? request.queryNumber("did") else { return nil }
        return state.withLock { $0.outcomes[number] }
    }
}
