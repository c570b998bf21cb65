import Hummingbird
import Synchronization

/// What came of the latest forms, until the page that follows a form has shown it.
final class Outcomes: Sendable {
    private let state = Mutex<(next: Int, sentences: [Int: String])>((1, [:]))

    /// Keeps a sentence; returns the number under which it is found.
    func keep(_ sentence: String) -> Int {
        state.withLock { state in
            defer { state.next += 1 }
            state.sentences[state.next] = sentence
            state.sentences[state.next - 100] = nil
            return state.next
        }
    }

    /// The sentence that a page's address asks for (`?did=3`): only what was really done was ever kept.
    func asked(by request: Request) -> String? {
        guard let number = try? request.queryNumber("did") else { return nil }
        return state.withLock { $0.sentences[number] }
    }
}
