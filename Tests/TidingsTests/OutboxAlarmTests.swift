import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite("An outbox's alarms", .timeLimit(.minutes(1)))
struct OutboxAlarmTests {
    private let store = InMemoryStore()

    @Test("an alarm is raised once above its limit and over once at half of it")
    func judges() {
        let watch = RelayWatch()
        let ages: [Double] = [0, 10, 11, 12, 9, 11, 6, 5, 4, 0, 30, 31, 0]
        let changes = ages.map { watch.judge(.unsent, age: .seconds($0), limit: .seconds(10)) }
        #expect(changes == [nil, nil, true, nil, nil, nil, nil, false, nil, nil, true, nil, false])
    }

    @Test("while Kafka takes nothing an alarm is raised, and it is over when Kafka is back")
    func kafkaAway() async throws {
        let (clock, gate, heard) = (ManualClock(), OutboxSignal(), Heard())
        let sender = RecordingSender { _ in
            await gate.wait()
            return nil
        }
        try await append("1")
        try await relaying(sender, clock, heard) {
            // The send is under way; the renewal and the watch sleep.
            await clock.sleepers(atLeast: 2)
            while true {
                clock.advance(by: .seconds(2))
                if heard.alarms.withLock({ !$0.isEmpty }) { break }
                await Task.yield()
            }
            gate.raise()
            _ = await sender.records(atLeast: 1)
            await heard.wait(for: 2, moving: clock)
        }
        let alarms = heard.alarms.withLock { $0 }
        #expect(alarms.map(\.kind) == [.kafkaAway, .kafkaAway])
        #expect(alarms.map(\.isRaised) == [true, false])
        #expect(alarms[0].age > .seconds(10))
    }

    @Test("an event that waits for too long raises an alarm with its age, by the relay of the first shard")
    func unsent() async throws {
        let (clock, heard) = (ManualClock(), Heard())
        let isAway = Mutex(true)
        let sender = RecordingSender { _ in
            if isAway.withLock({ $0 }) { throw SendFailure(message: "no such topic", isRetriable: true) }
            return nil
        }
        let adjust: (inout OutboxRelayConfiguration) -> Void = {
            ($0.alarms.unsentAge, $0.alarms.kafkaAwayAge) = (.zero, .seconds(1_000_000_000))
        }
        try await append("1")
        try await relaying(sender, clock, heard, adjust) {
            await heard.wait(for: 1, moving: clock)
            isAway.withLock { $0 = false }
            await heard.wait(for: 2, moving: clock)
        }
        let alarms = heard.alarms.withLock { $0 }.filter { $0.kind == .unsent }
        #expect(alarms.map(\.isRaised) == [true, false])
    }

    @Test("what is sent is kept for as long as it was asked for")
    func keepsSent() async throws {
        let (clock, heard) = (ManualClock(), Heard())
        try await append("1")
        try await relaying(RecordingSender(), clock, heard, { $0.keepSent = .seconds(3600) }) {
            while !store.outbox.isEmpty { await Task.yield() }
            for _ in 0..<3 {
                await clock.sleepers(atLeast: 3)
                clock.advance(by: .seconds(2))
            }
        }
        let removed = try await store.transaction { [store] transaction in
            try store.removeSent(before: .now().advanced(by: .seconds(60)), limit: 9, in: transaction)
        }
        #expect(removed == 1)
    }

    private func append(_ id: String) async throws {
        let record = EventRecord(eventID: EventID(id), topic: "order", key: [1], headers: [], value: nil)
        try await store.transaction { [store] in try store.append(record, in: $0) }
    }

    private func relaying(
        _ sender: RecordingSender, _ clock: ManualClock, _ heard: Heard,
        _ adjust: (inout OutboxRelayConfiguration) -> Void = { _ in }, _ body: () async throws -> Void
    ) async throws {
        var configuration = OutboxRelayConfiguration()
        configuration.alarms.onChange = { alarm in heard.alarms.withLock { $0.append(alarm) } }
        adjust(&configuration)
        let relay = OutboxRelay(
            store: store, producer: sender, configuration: configuration, clock: clock, logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await relay.run() }
            try await body()
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }
}

/// The alarms that were heard.
private final class Heard: Sendable {
    let alarms = Mutex<[OutboxAlarm]>([])

    /// Moves the time until so many were heard.
    func wait(for count: Int, moving clock: ManualClock) async {
        while alarms.withLock({ $0.count }) < count {
            clock.advance(by: .milliseconds(500))
            await Task.yield()
        }
    }
}
