import Glibc
import Testing
import Tidings
import TidingsAudit

/// A service is killed while it publishes, or its action fails: what each of the three ways loses and invents.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PublisherFaultTests {
    /// Kills the publisher of ten events at the fifth time it reaches a step, then lets it finish the rest.
    private func verdict(_ sending: Sending, killedAt point: Step.Point) async throws -> Verdict {
        nonisolated(unsafe) var verdict = Verdict([])
        try await Subject.with { subject in
            #expect(try await subject.publish(10, sending: sending, killAt: "\(point):5") == -SIGKILL)
            // It never comes back to the fifth, which may have happened or not: it goes on with others.
            #expect(try await subject.publish(5, sending: sending, first: 10) == 0)
            if sending == .outbox { try await subject.drain() }
            verdict = try await Checker().check(subject.history())
        }
        return verdict
    }

    @Test("after the action: killed between commit and sending, the event is lost")
    func afterActionLoses() async throws {
        let verdict = try await verdict(.afterAction, killedAt: .actionCommitted)
        #expect(verdict.events(.lost) == ["e4"])
        #expect(verdict.findings.count == 1, "\(verdict)")
    }

    @Test("before the action: killed between sending and commit, the event is a ghost")
    func beforeActionShowsGhost() async throws {
        let verdict = try await verdict(.beforeAction, killedAt: .sendAcknowledged)
        #expect(verdict.events(.ghost) == ["e4"])
        #expect(verdict.findings.count == 1, "\(verdict)")
    }

    @Test(
        "outbox: killed at any step, nothing is lost, ghost, doubled or reordered",
        arguments: [Step.Point.transactionStarts, .actionDone, .actionCommitted])
    func outboxIsClean(point: Step.Point) async throws {
        let verdict = try await verdict(.outbox, killedAt: point)
        #expect(verdict.isClean, "\(verdict)")
    }

    @Test("when the action fails, only sending before it shows a ghost", arguments: Sending.allCases)
    func actionFails(sending: Sending) async throws {
        try await Subject.with { subject in
            #expect(try await subject.publish(10, sending: sending, failing: 4) == 0)
            if sending == .outbox { try await subject.drain() }
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.events(.ghost) == (sending == .beforeAction ? ["e4"] : []))
            #expect(verdict.findings.count == (sending == .beforeAction ? 1 : 0), "\(verdict)")
        }
    }
}
