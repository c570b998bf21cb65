import Synchronization
import Testing
import Tidings

@testable import TidingsAudit

@Suite struct KillProbeTests {
    @Test("it strikes once, at its step, the n-th time")
    func strikes() {
        let strikes = Strikes()
        let probe = KillProbe(at: .relayAcknowledged, time: 2) { strikes.count.add(1, ordering: .relaxed) }
        probe.reached(Step(.relayAcknowledged, []))
        probe.reached(Step(.relayClaimed, []))
        #expect(strikes.count.load(ordering: .relaxed) == 0)
        probe.reached(Step(.relayAcknowledged, []))
        probe.reached(Step(.relayAcknowledged, []))
        #expect(strikes.count.load(ordering: .relaxed) == 1)
    }

    @Test(
        "a name that is no step is an error",
        arguments: ["", "relay", "relay.marked:0", "relay.marked:x", "relay.marked:1:2"])
    func typingErrors(text: String) {
        #expect(throws: TidingsError.self) { try KillProbe(text) }
    }

    @Test("every step can be named", arguments: Step.Point.all + Step.Point.ofViews)
    func names(point: Step.Point) throws {
        _ = try KillProbe("\(point):3")
    }
}

private final class Strikes: Sendable {
    let count = Atomic(0)
}
