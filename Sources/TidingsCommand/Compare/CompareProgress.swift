import Glibc
import Synchronization

/// How far a comparison has come, on standard error: on a terminal one line that is written anew, elsewhere a line for
/// each phase, and one every ten seconds within it.
final class CompareProgress: Sendable {
    private struct State {
        var phase = ""
        var told: ContinuousClock.Instant?
    }

    private static let interval = Duration.seconds(10)

    private let isInteractive: Bool
    private let now: @Sendable () -> ContinuousClock.Instant
    private let draw: @Sendable (String) -> Void
    private let state = Mutex(State())

    init(
        isInteractive: Bool = Terminal.errors.isInteractive,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        draw: @escaping @Sendable (String) -> Void = { write(Terminal.errors.fitting($0), to: STDERR_FILENO) }
    ) {
        (self.isInteractive, self.now, self.draw) = (isInteractive, now, draw)
    }

    /// Something to know at the start, where there is no line that would be written anew.
    func begin(_ words: String) {
        if !isInteractive { draw("tidings: \(words)\n") }
    }

    /// - Parameters:
    ///   - fraction: from 0 to 1.
    ///   - doing: the phase, and after a comma which of its runs.
    func show(_ fraction: Double, _ doing: String) {
        let percent = "\(Int(fraction * 100)) %"
        if isInteractive {
            let done = Int(fraction * 30)
            let bar = String(repeating: "█", count: done) + String(repeating: "░", count: 30 - done)
            draw("\r\u{1B}[K\(bar) \(percent)  \(doing)")
        } else if isDue(String(doing.prefix { $0 != "," })) {
            draw("tidings: \(percent), \(doing)\n")
        }
    }

    /// Whether this phase, the words before the comma, is another than before, or the last line was long ago.
    private func isDue(_ phase: String) -> Bool {
        let moment = now()
        return state.withLock { state in
            if phase == state.phase, let told = state.told, moment - told < Self.interval { return false }
            (state.phase, state.told) = (phase, moment)
            return true
        }
    }

    /// Takes the line away, if there is one.
    func clear() {
        if isInteractive { draw("\r\u{1B}[K") }
    }
}
