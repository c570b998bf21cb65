import Processes
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

extension RelayPatience {
    /// Parks at the first refusal.
    static var none: RelayPatience { RelayPatience(.zero, pause: .zero, elapsed: { .zero }) }
}

@Suite(.timeLimit(.minutes(1))) struct RelayPatienceTests {
    private let refusal = SendFailure(message: "no such topic", isRetriable: false, fault: .topic)
    private let tooLarge = SendFailure(message: "too large", isRetriable: false, fault: .size)

    private func records(_ count: Int, topic: String = "t") -> [EventRecord] {
        (0..<count).map { number in
            EventRecord(
                eventID: EventID("\(number)"), topic: topic, key: Array("k\(number % 5)".utf8), headers: [],
                value: [UInt8](repeating: 0, count: 100))
        }
    }

    @Test("a topic that is refused is tried again for a while, and again after it was taken or forgotten")
    func topics() {
        let isBorne = judging(pause: .seconds(5))
        #expect(isBorne(0, .failed(refusal)))
        #expect(isBorne(9, .failed(refusal)))
        #expect(!isBorne(10, .failed(refusal)))
        #expect(!isBorne(40, .failed(refusal)), "it is known to be missing")
        #expect(isBorne(200, .failed(refusal)), "somebody lets it go again long after")
        #expect(!isBorne(215, .failed(refusal)))
        #expect(!isBorne(216, .sent(partition: 0, offset: 0)))
        #expect(isBorne(217, .failed(refusal)))
    }

    @Test("refusals count together however long the pauses between attempts are")
    func longPauses() {
        let isBorne = judging(pause: .seconds(300))
        #expect(isBorne(0, .failed(refusal)))
        #expect(!isBorne(300, .failed(refusal)))
    }

    /// A relay that bears with a topic for ten seconds.
    ///
    /// - Returns: what tells whether an outcome at a second is tried again.
    private func judging(pause: Duration) -> (_ second: Int, _ outcome: SendOutcome) -> Bool {
        let time = Mutex(Duration.zero)
        let patience = RelayPatience(.seconds(10), pause: pause, elapsed: { time.withLock { $0 } })
        return { [record = records(1)] second, outcome in
            time.withLock { $0 = .seconds(second) }
            return patience.judge([outcome], of: record[...])[0].failure?.isRetriable == true
        }
    }

    @Test("what is too large together goes in smaller portions, and later in larger ones again")
    func portions() {
        let patience = RelayPatience(.zero, pause: .zero, elapsed: { .zero })
        let records = records(100)
        #expect(patience.portions(of: records) == [0..<100])
        func send(_ portion: Range<Int>, isTooLarge: Bool) -> Bool? {
            let outcome = isTooLarge ? SendOutcome.failed(tooLarge) : .sent(partition: 0, offset: 0)
            return patience.judge(portion.map { _ in outcome }, of: records[portion])[0].failure?.isRetriable
        }
        #expect(send(0..<100, isTooLarge: true) == true)
        #expect(patience.portions(of: records) == [0..<50, 50..<100])
        for size in [50, 25, 12, 6, 3] { #expect(send(0..<size, isTooLarge: true) == true) }
        #expect(patience.portions(of: records).count == 100)
        for _ in 0..<1000 { #expect(send(0..<1, isTooLarge: false) == nil) }
        #expect(patience.portions(of: records).count == 50)
        #expect(send(0..<1, isTooLarge: true) == false, "alone it is too large itself")
        #expect(patience.portions(of: records) == [0..<100], "and the others have nothing to do with it")
    }

    @Test("only what goes to the topic whose limit is low goes in portions")
    func portionsByTopic() {
        let patience = RelayPatience.none
        let small = records(4, topic: "small")
        let refused = patience.judge(small.map { _ in .failed(tooLarge) }, of: small[...])
        #expect(refused.allSatisfy { $0.failure?.isRetriable == true })
        #expect(patience.portions(of: records(100)) == [0..<100])
        #expect(patience.portions(of: small) == [0..<2, 2..<4])
        #expect(patience.portions(of: records(10) + small + records(10)) == [0..<12, 12..<24])
        let mixed = records(10) + small.prefix(1)
        let alone = patience.judge(
            mixed.map { $0.topic == "t" ? .sent(partition: 0, offset: 0) : .failed(tooLarge) }, of: mixed[...])
        #expect(alone.last?.failure?.isRetriable == false, "the others are in batches of their own")
    }

    @Test(
        "of a batch that is too large for Kafka every event goes that is not too large itself, in the order of its key")
    func tooLargeTogether() async throws {
        let store = InMemoryStore()
        let sender = Strict()
        let publisher = Publisher(store: store, source: "/test")
        try await store.transaction { db in
            for number in 0..<200 {
                let event = Placed(orderID: "o\(number % 7)", total: number, note: number == 77 ? "long" : nil)
                try publisher.append(event, to: Topic("order"), in: db)
            }
        }
        let relay = OutboxRelay(store: store, producer: sender, clock: ManualClock(), logger: .silent)
        let relaying = Task { try await relay.run() }
        // One cannot go, and what is behind it in its key.
        let parked = (0..<200).count { $0 % 7 == 0 && $0 >= 77 }
        try await eventually("all are sent or parked", within: .seconds(30)) {
            store.outbox.isEmpty && store.parkedEvents.count == parked
        }
        relaying.cancel()
        _ = await relaying.result
        #expect(sender.totals.count == 200 - parked)
        for key in 0..<7 {
            let own = sender.totals.filter { $0 % 7 == key }
            #expect(own == own.sorted())
        }
    }

    private struct Placed: Event {
        static let eventType = "test.order.placed"
        var orderID: String
        var total: Int
        var note: String?
        var key: String { orderID }
    }

    /// Takes at most ten records together, and none with a note.
    private final class Strict: RecordSender {
        private let state = Mutex<[Int]>([])

        var totals: [Int] { state.withLock { $0 } }

        func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
            let failure = SendFailure(message: "too large", isRetriable: false, fault: .size)
            let events = try records.map { try JSONCodec().decode(Placed.self, from: $0.value ?? []) }
            if records.count > 10 || events.contains(where: { $0.note != nil }) {
                return records.map { _ in .failed(failure) }
            }
            state.withLock { $0 += events.map(\.total) }
            return records.map { _ in .sent(partition: 0, offset: 0) }
        }
    }
}
