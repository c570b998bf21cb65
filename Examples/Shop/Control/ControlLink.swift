import Foundation
import HTTPTypes
import NIOCore
import NIOPosix
import Synchronization

/// The start page's way to ask the supervisor for something: the two pipes that every child of it has anyway.
///
/// There is no port and no file that anybody else could write to; a shop that no supervisor runs has no such link, and so
/// none of the buttons that need it.
final class ControlLink: Sendable {
    private struct State {
        var next = 0
        var waiting: [Int: CheckedContinuation<String, Never>] = [:]
    }

    private let state = Mutex(State())
    private let patience: TimeAmount

    /// - Parameter patience: how long an answer may take: longer than the supervisor waits for whatever it was asked for.
    init(patience: TimeAmount = .seconds(12)) {
        self.patience = patience
    }

    /// Asks, and waits for the answer.
    ///
    /// - Throws: a ``Refusal`` with the supervisor's reason, or because it does not answer.
    func ask(_ request: ControlRequest) async throws {
        let answer = await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.next += 1
                state.waiting[state.next] = continuation
                return state.next
            }
            MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: patience) {
                self.answer(number, "refused The supervisor does not answer; what it was asked for may still come.")
            }
            FileHandle.standardOutput.write(Data("request \(number) \(request.line)\n".utf8))
        }
        if let reason = answer.wordsAfter("refused") { throw Refusal(.conflict, reason) }
    }

    /// Takes a line that the supervisor said.
    func heard(_ line: String) {
        guard let text = line.wordsAfter("answer") else { return }
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2, let number = Int(parts[0]) else { return }
        answer(number, parts[1])
    }

    /// Whoever has been answered is not answered again.
    private func answer(_ number: Int, _ text: String) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: text)
    }
}
