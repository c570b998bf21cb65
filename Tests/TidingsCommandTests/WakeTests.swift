import Logging
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

@Suite("Waking relays of other processes", .timeLimit(.minutes(1)))
struct WakeTests {
    @Test("a relay whose clock stands still is woken by what another process appends")
    func twoProcesses() async throws {
        try await withDatabase(.sqlite) { _, location in
            let store = try SQLiteStore(path: location)
            let parked = EventRecord(eventID: "parked", topic: "order", key: [1], headers: [], value: nil)
            try await store.transaction { db in
                try store.append(parked, in: db)
                let epoch = try store.assign([0], to: nil, in: db)[0].epoch
                let batch = OutboxBatch(shard: 0, number: epoch << 32)
                let claimed = try store.claim(
                    ClaimRequest(batches: [batch], maximumCount: 9, maximumBytes: 999), in: db)
                let parking = claimed.map { OutboxParking(entry: $0, reason: "too large") }
                try store.settle(OutboxSettlement(batches: [batch], parked: parking), in: db)
            }
            let (clock, sender) = (ManualClock(), RecordingSender())
            let relay = OutboxRelay(
                store: store, producer: sender, clock: clock,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await relay.run() }
                await clock.sleepers(atLeast: 3)
                let retry = try await tidings("outbox", "retry", "--database", location, "--all")
                #expect(retry.code == 0)
                let sent = await sender.records(atLeast: 1)
                #expect(sent.map(\.eventID) == ["parked"])
                tasks.cancelAll()
                try? await tasks.waitForAll()
            }
        }
    }
}
