import Glibc
import Processes
import Testing
import Tidings
import TidingsAudit

/// A relay is killed at each of its steps, or has company it did not expect.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RelayFaultTests {
    @Test(
        "a relay killed at any step loses nothing and lets nothing overtake",
        arguments: [Subject.Kind.sqlite, .postgresLog],
        [Step.Point.relayClaimed, .relayAcknowledged, .relayMarking, .relayMarked])
    func killed(_ kind: Subject.Kind, at point: Step.Point) async throws {
        try await Subject.with(kind, publishingExactlyOnce: false) { subject in
            try await subject.publish(30, sending: .outbox)
            let relay = try subject.startRelay(killAt: "\(point):3")
            #expect(try await relay.waitForExit() == -SIGKILL)
            try await subject.publish(10, sending: .outbox, first: 30)
            try await subject.drain()
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.count(.lost) == 0 && verdict.count(.ghost) == 0, "\(verdict)")
            #expect(verdict.count(.reordered) == 0, "\(verdict)")
            // What was out and not marked goes out again, with the same id: the batch of the step, and the one before or
            // behind it, since one is marked while the next is on its way. The log comes in the batches that have been read
            // by then.
            let isOutAndUnmarked = point == .relayAcknowledged || point == .relayMarking
            let least = isOutAndUnmarked ? (kind == .postgresLog ? 1 : 5) : 0
            let most = isOutAndUnmarked ? 10 : 5
            #expect((least...most).contains(verdict.events(.doubled).count), "\(verdict)")
        }
    }

    @Test("of several relays on one database one sends, and another takes over when it is killed")
    func company() async throws {
        try await Subject.with { subject in
            let relays = try ["a", "b", "c"].map { try subject.startRelay(name: $0, batch: 3) }
            try await subject.publish(50, sending: .outbox)
            try await subject.until("the outbox is empty", relays[0]) {
                try await subject.count("tidings_outbox", in: subject.writerDatabase) == 0
            }
            #expect(try await Checker().check(subject.history()).isClean)
            // Whoever holds the lease: two of three are killed, the third is left.
            for relay in relays.prefix(2) { try await relay.killAndWait() }
            try await subject.publish(50, sending: .outbox, first: 50)
            try await subject.until("the outbox is empty", relays[2]) {
                try await subject.count("tidings_outbox", in: subject.writerDatabase) == 0
            }
            relays[2].signal(SIGTERM)
            #expect(try await relays[2].waitForExit() == 0)
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
        }
    }

    @Test("writers in several processes share a database with a relay, and each key keeps its order")
    func severalWriters() async throws {
        try await Subject.with { subject in
            let relay = try subject.startRelay(batch: 50)
            try await withThrowingTaskGroup(of: Int32.self) { writers in
                for writer in 0..<4 {
                    writers.addTask { try await subject.publish(50, sending: .outbox, first: writer * 50, keys: 5) }
                }
                for try await status in writers { #expect(status == 0) }
            }
            try await subject.until("the outbox is empty", relay) {
                try await subject.count("tidings_outbox", in: subject.writerDatabase) == 0
            }
            relay.signal(SIGTERM)
            try await relay.waitForExit()
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.isClean, "\(verdict)")
            #expect(try await subject.count("action", in: subject.writerDatabase) == 200)
        }
    }

    @Test(
        "while Kafka is away actions go on, a relay can be stopped, and when Kafka is back the outbox drains in order")
    func kafkaAway() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder + "/broker")
            let subject = Subject(
                writerDatabase: folder + "/writer.sqlite", readerDatabase: folder + "/reader.sqlite", topic: "away",
                kafka: await broker.bootstrap)
            try await subject.publish(10, sending: .outbox)
            try await subject.drain()
            try await broker.kill()
            let relay = try subject.startRelay()
            _ = try await relay.waitForLine(startingWith: "ready")
            try await subject.publish(10, sending: .outbox, first: 10)
            relay.signal(SIGTERM)
            #expect(try await relay.waitForExit() == 0)
            let patient = try subject.startRelay()
            try await subject.publish(10, sending: .outbox, first: 20)
            #expect(try await subject.count("tidings_outbox", in: subject.writerDatabase) == 20)
            try await broker.restart()
            try await subject.until("the outbox is empty", patient) {
                try await subject.count("tidings_outbox", in: subject.writerDatabase) == 0
            }
            patient.signal(SIGTERM)
            try await patient.waitForExit()
            let verdict = try await Checker().check(subject.history())
            #expect(verdict.count(.lost) == 0 && verdict.count(.ghost) == 0, "\(verdict)")
            #expect(verdict.count(.reordered) == 0, "\(verdict)")
            try await broker.stop()
        }
    }
}
