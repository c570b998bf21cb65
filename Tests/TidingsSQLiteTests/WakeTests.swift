import Foundation
import Logging
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

@Suite("Waking relays of other processes on SQLite", .timeLimit(.minutes(1)))
struct WakeTests {
    @Test("a relay whose clock stands still is woken by each commit through another store, whatever the path is called")
    func wakes() async throws {
        try await withDirectory { directory in
            let path = directory + "/test.sqlite"
            let near = try SQLiteStore(path: path)
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/link.sqlite", withDestinationPath: path)
            let far = try SQLiteStore(path: directory + "/link.sqlite")
            try await check(near, far)
        }
    }

    @Test("where a relay of the same process has the whole outbox, nobody is told")
    func tellsNobody() async throws {
        try await withDirectory { directory in
            let path = directory + "/test.sqlite"
            let store = try SQLiteStore(path: path)
            store.outboxSignal.reachesEveryRelay = true
            try await store.transaction { try store.append(record("e0"), in: $0) }
            #expect(!FileManager.default.fileExists(atPath: path + "-outbox"))
            store.outboxSignal.reachesEveryRelay = false
            try await store.transaction { try store.append(record("e1"), in: $0) }
            #expect(FileManager.default.fileExists(atPath: path + "-outbox"))
        }
    }

    private func record(_ id: String) -> EventRecord {
        EventRecord(eventID: EventID(id), topic: "order", key: [1], headers: [], value: nil)
    }

    private func check(_ near: SQLiteStore, _ far: SQLiteStore) async throws {
        let (clock, sender) = (ManualClock(), RecordingSender())
        let relay = OutboxRelay(
            store: near, producer: sender, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await relay.run() }
            for number in 0..<5 {
                // It rests, and the clock that would end this stands still: so do its other two sleepers.
                await clock.sleepers(atLeast: 3)
                try await far.transaction { try far.append(record("e\(number)"), in: $0) }
                let sent = await sender.records(atLeast: number + 1)
                #expect(sent.map(\.eventID) == (0...number).map { EventID("e\($0)") })
            }
            tasks.cancelAll()
            try? await tasks.waitForAll()
        }
    }
}
