import Glibc
import Synchronization

/// How far long work has come, in one line on standard error that is written anew: on a terminal only, and only when it
/// takes longer than two seconds.
final class Progress: Sendable {
    private struct State {
        var lastDrawn: ContinuousClock.Instant?
        var isEnded = false
    }

    private let title: String
    private let unit: String
    private let total: Int64?
    private let started: ContinuousClock.Instant
    private let now: @Sendable () -> ContinuousClock.Instant
    private let draw: (@Sendable (String) -> Void)?
    private let state = Mutex(State())

    static let patience = Duration.seconds(2)
    private static let interval = Duration.milliseconds(200)

    /// - Parameters:
    ///   - title: what is being done.
    ///   - total: how many units there are, if that is known.
    ///   - unit: what is counted, in the plural; `bytes` are shown in larger ones.
    convenience init(_ title: String, of total: Int64? = nil, unit: String) {
        let draw: @Sendable (String) -> Void = { write(Terminal.errors.fitting($0), to: STDERR_FILENO) }
        self.init(
            title, of: total, unit: unit, now: { ContinuousClock.now }, draw: Terminal.errors.isInteractive ? draw : nil
        )
    }

    init(
        _ title: String, of total: Int64?, unit: String, now: @escaping @Sendable () -> ContinuousClock.Instant,
        draw: (@Sendable (String) -> Void)?
    ) {
        (self.title, self.total, self.unit, self.now, self.draw) = (title, total, unit, now, draw)
        started = now()
    }

    /// So many units are done, of all.
    func reached(_ count: Int64) {
        guard let draw else { return }
        let moment = now()
        let isDue = state.withLock { state in
            guard !state.isEnded, moment - started >= Self.patience else { return false }
            if let last = state.lastDrawn, moment - last < Self.interval { return false }
            state.lastDrawn = moment
            return true
        }
        if isDue { draw("\r\u{1B}[K" + line(count, after: moment - started)) }
    }

    /// Takes the line away, if there is one.
    func end() {
        let wasDrawn = state.withLock { state in
            defer { state.isEnded = true }
            return !state.isEnded && state.lastDrawn != nil
        }
        if wasDrawn { draw?("\r\u{1B}[K") }
    }

    private func line(_ count: Int64, after elapsed: Duration) -> String {
        let rate = Double(count) / (elapsed / .seconds(1))
        var line = "\(title)  \(amount(count))"
        if let total {
            line += " of \(amount(total)), \(total > 0 ? min(100, Int(Double(count) / Double(total) * 100)) : 100) %"
        }
        line += unit == "bytes" ? "" : " \(unit)"
        line += "  \(amount(Int64(rate)))/s"
        if let total, rate > 0, count < total {
            line += "  \(Duration.seconds(Double(total - count) / rate).words) left"
        }
        return line
    }

    private func amount(_ count: Int64) -> String { unit == "bytes" ? count.bytes : count.grouped }
}

extension Int64 {
    /// With a mark between thousands.
    var grouped: String {
        let digits = String(magnitude)
        var groups = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { groups += "," }
            groups.append(digit)
        }
        return (self < 0 ? "-" : "") + groups
    }

    /// As so many bytes, in the largest unit that says something.
    var bytes: String {
        var (amount, unit) = (Double(self), 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while amount >= 1024, unit < units.count - 1 { (amount, unit) = (amount / 1024, unit + 1) }
        return unit == 0 ? "\(self) B" : "\(Double(Int(amount * 10)) / 10) \(units[unit])"
    }
}
