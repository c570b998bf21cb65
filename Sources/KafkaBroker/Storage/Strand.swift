import Synchronization

/// A mailbox that is emptied by one storage thread at a time: whatever arrives while a round is being worked on makes
/// up the next round. For a partition that is group commit: the appends of a round are written together and synced once.
final class Strand<Work: Sendable>: Sendable {
    private struct State {
        var waiting: [Work] = []
        var isRunning = false
    }

    /// Rounds in a row before other strands get their turn on this thread.
    private static var roundsPerTurn: Int { 16 }

    private let threads: StorageThreads
    private let process: @Sendable ([Work]) -> Void
    private let state = Mutex(State())

    /// `process` is called with each round, never twice at a time and always in the order of submission.
    init(on threads: StorageThreads, process: @escaping @Sendable ([Work]) -> Void) {
        self.threads = threads
        self.process = process
    }

    /// Puts work into the mailbox. It is always worked on: when the threads have stopped, by the caller's own, so that
    /// whoever waits for an answer gets one (by then the files are closed and every answer is a quick refusal).
    func submit(_ work: Work) {
        let mustStart = state.withLock { state in
            state.waiting.append(work)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { startTurn() }
    }

    private func startTurn() {
        if !threads.submit(run) { run() }
    }

    private func run() {
        for _ in 0..<Self.roundsPerTurn {
            let round = state.withLock { state in
                let round = state.waiting
                state.waiting = []
                state.isRunning = !round.isEmpty
                return round
            }
            guard !round.isEmpty else { return }
            process(round)
        }
        startTurn()
    }
}
