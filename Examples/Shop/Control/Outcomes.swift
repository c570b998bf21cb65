import Synchronization

/// What came of the latest deeds, until the page that follows a form has shown it.
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

    subscript(number: Int) -> String? { state.withLock { $0.sentences[number] } }
}
