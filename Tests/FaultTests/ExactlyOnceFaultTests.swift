import Glibc
import Processes
import Testing
import Tidings
import TidingsAudit

/// A relay that publishes exactly once is killed at each of its steps, with a real broker, on both stores.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ExactlyOnceFaultTests {
    @Test(
        "a relay killed at any step of a transaction loses nothing, doubles nothing and lets nothing overtake",
        arguments: [Subject.Kind.sqlite, .postgres, .postgresLog],
        [Step.Point.relayClaimed, .relayCommitting, .relayAcknowledged, .relayMarking, .relayMarked])
    func killed(_ kind: Subject.Kind, at point: Step.Point) async throws {
        try await Subject.with(kind, publishingExactlyOnce: true) { subject in
            try await subject.publish(30, sending: .outbox)
            let relay = try subject.startRelay(killAt: "\(point):2")
            #expect(try await relay.waitForExit() == -SIGKILL)
            try await subject.publish(10, sending: .outbox, first: 30)
            try await subject.drain()
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
        }
    }

    @Test(
        "a relay that is frozen in the middle of a transaction is fenced by the one that takes over",
        arguments: [Subject.Kind.sqlite, .postgres, .postgresLog])
    func frozen(_ kind: Subject.Kind) async throws {
        try await Subject.with(kind, publishingExactlyOnce: true) { subject in
            try await subject.publish(30, sending: .outbox)
            let frozen = try subject.startRelay(name: "frozen", stopAt: .relayCommitting)
            _ = try await frozen.waitForLine(startingWith: "stopping")
            let other = try subject.startRelay(name: "other")
            try await subject.publish(30, sending: .outbox, first: 30)
            try await subject.untilDrained(other)
            frozen.thaw()
            try await subject.publish(10, sending: .outbox, first: 60)
            try await subject.untilDrained(other)
            for relay in [frozen, other] {
                relay.signal(SIGTERM)
                try await relay.waitForExit()
            }
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
        }
    }
}
