import Testing
import Tidings
import TidingsTesting

@Suite struct PublisherTests {
    private struct Refused: Error {}

    private let store = InMemoryStore()
    private let topic = Topic<Placed>("order")
    private let event = Placed(orderID: "o-1", total: 5)

    private func publish(
        _ sending: Sending, with sender: RecordingSender?, failing: Bool = false
    ) async throws {
        let publisher = Publisher(store: store, producer: sender, source: "/test")
        try await publisher.publish(event, id: "e-1", to: topic, sending: sending) { transaction in
            transaction.rows["o-1"] = "placed"
            if failing { throw Refused() }
        }
    }

    @Test("each way does the action and gets the event out or into the outbox", arguments: Sending.allCases)
    func works(sending: Sending) async throws {
        let sender = RecordingSender()
        try await publish(sending, with: sender)
        #expect(store.rows == ["o-1": "placed"])
        #expect(sender.records.map(\.eventID) == (sending == .outbox ? [] : ["e-1"]))
        #expect(store.outbox.map(\.record.eventID) == (sending == .outbox ? ["e-1"] : []))
    }

    @Test("after the action: when sending fails the action stays, and the error says so and holds the event")
    func lostEvent() async throws {
        let sender = RecordingSender { _ in SendFailure(message: "away", isRetriable: true) }
        let error = await #expect(throws: TidingsError.self) { try await publish(.afterAction, with: sender) }
        #expect(error?.code == .committedButNotSent)
        #expect(error?.record?.eventID == "e-1")
        #expect(store.rows == ["o-1": "placed"])
    }

    @Test("after the action: when the action fails nothing is sent and its own error comes out")
    func afterActionFails() async throws {
        let sender = RecordingSender()
        await #expect(throws: Refused.self) { try await publish(.afterAction, with: sender, failing: true) }
        #expect(sender.records.isEmpty)
        #expect(store.rows.isEmpty)
    }

    @Test("before the action: when the action fails the event is a ghost, and the error says so")
    func ghost() async throws {
        let sender = RecordingSender()
        let error = await #expect(throws: TidingsError.self) {
            try await publish(.beforeAction, with: sender, failing: true)
        }
        #expect(error?.code == .sentButActionFailed)
        #expect(error?.cause is Refused)
        #expect(sender.records.map(\.eventID) == ["e-1"])
        #expect(store.rows.isEmpty)
    }

    @Test("before the action: when sending fails the action is not run")
    func notSent() async throws {
        let sender = RecordingSender { _ in SendFailure(message: "away", isRetriable: true) }
        let error = await #expect(throws: TidingsError.self) { try await publish(.beforeAction, with: sender) }
        #expect(error?.code == .notSent)
        #expect(error?.isRetriable == true)
        #expect(store.rows.isEmpty)
    }

    @Test("outbox: when the action fails there is no event")
    func outboxActionFails() async throws {
        await #expect(throws: Refused.self) { try await publish(.outbox, with: nil, failing: true) }
        #expect(store.outbox.isEmpty)
    }

    @Test(
        "without a producer only the outbox can be used, and the others do nothing",
        arguments: [.afterAction, .beforeAction] as [Sending])
    func noProducer(sending: Sending) async throws {
        let error = await #expect(throws: TidingsError.self) { try await publish(sending, with: nil) }
        #expect(error?.code == .noProducer)
        #expect(store.rows.isEmpty)
    }
}
