import Glibc
import Processes
import Testing
import Tidings
import TidingsAudit

/// A reader is killed at each of its steps, or sleeps through the loss of its partitions.
@Suite(.serialized, .timeLimit(.minutes(5))) struct HandlerFaultTests {
    private let checker = Checker(readers: ["reader"])

    @Test(
        "a reader killed at any step has one effect for each event, in order",
        arguments: [Step.Point.received, .handlingStarts, .handled, .handlingCommitted, .offsetCommitted])
    func killed(point: Step.Point) async throws {
        try await Subject.with { subject in
            try await subject.publish(30, sending: .afterAction)
            let time = point == .received || point == .offsetCommitted ? 1 : 3
            let handler = try subject.startHandler(killAt: "\(point):\(time)")
            #expect(try await handler.waitForExit() == -SIGKILL)
            try await subject.publish(10, sending: .afterAction, first: 30)
            try await subject.handle(atLeast: 40)
            let verdict = try await checker.check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
        }
    }

    @Test("an instance that slept through the loss of its partitions has no second effect")
    func zombie() async throws {
        try await Subject.with { subject in
            // The test freezes it in the middle of things and thaws it when others have gone on.
            let zombie = try subject.startHandler(instance: "zombie", batch: 1)
            try await subject.publish(100, sending: .afterAction)
            try await subject.until("some effects", zombie) {
                try await subject.count("effect", in: subject.readerDatabase) > 10
            }
            try await subject.freeze(zombie)
            try await subject.publish(100, sending: .afterAction, first: 100)
            let heir = try subject.startHandler(instance: "heir", batch: 3)
            try await subject.until("all effects", heir) {
                try await subject.count("effect", in: subject.readerDatabase) >= 200
            }
            zombie.thaw()
            try await subject.publish(20, sending: .afterAction, first: 200)
            try await subject.until("all effects", heir) {
                try await subject.count("effect", in: subject.readerDatabase) >= 220
            }
            for process in [zombie, heir] {
                process.signal(SIGTERM)
                try await process.waitForExit()
            }
            let verdict = try await checker.check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
        }
    }
}
