import Synchronization
import Tidings

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Kills its own process (SIGKILL: nothing is flushed, nothing is told) when a step is reached for the n-th time.
///
/// ```swift
/// let probe = try KillProbe.fromEnvironment()     // TIDINGS_KILL_AT=relay.acknowledged or …=relay.acknowledged:3
/// let relay = OutboxRelay(store: store, producer: producer, probe: probe, logger: logger)
/// ```
public final class KillProbe: Probe {
    /// The environment variable that names the step, and after a colon how many times it is reached before (from 1).
    public static let variable = "TIDINGS_KILL_AT"

    private let point: Step.Point
    private let remaining: Atomic<Int>
    private let end: @Sendable () -> Void

    /// - Parameter time: 1 kills at the first time.
    public convenience init(at point: Step.Point, time: Int = 1) {
        self.init(at: point, time: time) { kill(getpid(), SIGKILL) }
    }

    init(at point: Step.Point, time: Int, end: @escaping @Sendable () -> Void) {
        self.point = point
        self.remaining = Atomic(time)
        self.end = end
    }

    /// The probe that ``variable`` asks for; nil when it is not set.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/invalidConfiguration`` when it names no step, so that no fault test passes because
    ///   of a typing error.
    public static func fromEnvironment() throws -> KillProbe? {
        guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return try KillProbe(value)
    }

    convenience init(_ text: String) throws {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let point = Step.Point(rawValue: String(parts[0]))
        let time = parts.count > 1 ? Int(parts[1]) : 1
        guard (Step.Point.all + Step.Point.ofViews).contains(point), let time, time > 0, parts.count <= 2 else {
            throw TidingsError(.invalidConfiguration, "\(KillProbe.variable)=\(text) names no step")
        }
        self.init(at: point, time: time)
    }

    public func reached(_ step: Step) {
        guard step.point == point else { return }
        if remaining.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { end() }
    }
}
