import Glibc
import Processes
import Testing
import Tidings
import TidingsAudit
import TidingsSQLite

/// A reader is killed while it tries parked records again.
@Suite(.serialized, .timeLimit(.minutes(3))) struct RetryFaultTests {
    @Test(
        "a reader killed while it tries parked records again has one effect for each, in the order of their key",
        arguments: [Step.Point.handlingStarts, .handled, .handlingCommitted])
    func killed(point: Step.Point) async throws {
        try await Subject.with { subject in
            try await subject.publish(30, sending: .afterAction)
            let broken = try subject.startHandler(poison: "k1")
            try await subject.until("the effects of the other keys, and the rest parked", broken) {
                let effects = try await subject.count("effect", in: subject.readerDatabase)
                let parked = try await subject.count("tidings_parked", in: subject.readerDatabase)
                return effects == 20 && parked == 10
            }
            broken.signal(SIGTERM)
            try await broken.waitForExit()
            let store = try SQLiteStore(path: subject.readerDatabase)
            try await store.transaction { db in
                for letter in try store.deadLetters(.causes(after: 0, limit: 9), in: db) {
                    try store.retryDeadLetter(letter.number, in: db)
                }
            }
            // Nothing else is left to handle: the fourth time is the fourth parked record's.
            let handler = try subject.startHandler(killAt: "\(point):4")
            #expect(try await handler.waitForExit() == -SIGKILL)
            try await subject.publish(10, sending: .afterAction, first: 30)
            try await subject.handle(atLeast: 40)
            let verdict = try await Checker(readers: ["reader"]).check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
            #expect(try await subject.count("tidings_parked", in: subject.readerDatabase) == 0)
        }
    }
}
