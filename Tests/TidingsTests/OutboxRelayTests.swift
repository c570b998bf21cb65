import Logging
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite(.timeLimit(.minutes(1))) struct OutboxRelayTests {
    private let store = InMemoryStore()
    private let topic = Topic<Placed>("order")

    private func publish(_ id: String, key: String = "o-1", in other: InMemoryStore? = nil) async throws {
        let publisher = Publisher(store: other ?? store, source: "/test")
        try await publisher.publish(Placed(orderID: key, total: 1), id: EventID(id), to: topic) { _ in }
    }

    /// Runs a relay while `body` runs.
    private func relaying(
        _ sender: RecordingSender, name: String = "relay", store other: InMemoryStore? = nil,
        clock: any Clock<Duration> = ContinuousClock(), gathering: Duration = .zero, batch: Int = 2000,
        _ body: () async throws -> Void
    ) async throws {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = name
        configuration.gathering = gathering
        configuration.maximumBatchCount = batch
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(5))
        let relay = OutboxRelay(
            store: other ?? store, producer: sender, configuration: configuration, clock: clock, logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await relay.run() }
            try await body()
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }

    private func emptyOutbox() async {
        while !store.outbox.isEmpty { await Task.yield() }
    }

    @Test("an event leaves right after its commit, without the clock moving")
    func wakes() async throws {
        let sender = RecordingSender()
        try await relaying(sender, clock: ManualClock()) {
            for number in 1...5 {
                try await publish("\(number)")
                _ = await sender.records(atLeast: number)
            }
            await emptyOutbox()
        }
        #expect(sender.records.map(\.eventID) == ["1", "2", "3", "4", "5"])
    }

    @Test("a database whose connections are long in coming does not keep a relay from sending")
    func slowConnections() async throws {
        let (sender, clock) = (RecordingSender(), ManualClock())
        // Longer than the lease lasts.
        store.beginning = { clock.advance(by: .seconds(6)) }
        try await relaying(sender, clock: clock) {
            try await publish("1")
            _ = await sender.records(atLeast: 1)
        }
        #expect(sender.records.map(\.eventID) == ["1"])
    }

    @Test("a relay whose lease the database has forgotten comes back, and only a later namesake ends it")
    func forgottenLease() async throws {
        let (sender, clock) = (RecordingSender(), ManualClock())
        try await relaying(sender, clock: clock) {
            try await publish("1")
            _ = await sender.records(atLeast: 1)
            // As a server that was promoted without the last commits.
            try await store.transaction { db in
                let name = OutboxRelayConfiguration.leasePrefix + "relay"
                guard let lease = try store.currentLease(named: name, in: db) else { throw TestFailure() }
                try store.setBack(lease, in: db)
            }
            try await publish("2")
            _ = await sender.records(atLeast: 2)
        }
        #expect(sender.records.map(\.eventID) == ["1", "2"])
    }

    @Test("a shard that has used half of an epoch's numbers is given anew")
    func exhaustedEpoch() {
        var held = HeldShards(
            lease: Lease(name: "l", owner: "a", epoch: 1), asOf: .zero, lasting: .seconds(5))
        #expect(held.exhausted.isEmpty)
        held.hold([OutboxShard(number: 3, owner: "a", epoch: 7)], givingUp: [], made: 1 << 31)
        #expect(held.exhausted == [3])
        #expect(held.nextBatches().map(\.number) == [7 << 32 | 1 << 31])
    }

    private struct TestFailure: Error {}

    @Test("a relay that gathers waits before it sends, and sends together what has come meanwhile")
    func gathers() async throws {
        let (sender, clock) = (RecordingSender(), ManualClock())
        try await relaying(sender, clock: clock, gathering: .milliseconds(100)) {
            await clock.sleepers(atLeast: 3)
            for id in ["1", "2", "3"] { try await publish(id) }
            for _ in 0..<1000 { await Task.yield() }
            #expect(sender.records.isEmpty)
            while sender.records.count < 3 {
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
        }
        #expect(sender.records.map(\.eventID) == ["1", "2", "3"])
        #expect(Set(sender.records.map { EventStamp($0.headers)?.batch }).count == 1)
    }

    @Test("a backlog's next batch is claimed while one is on its way, and goes when that one is acknowledged")
    func claimsAhead() async throws {
        let store = store
        let sender = RecordingSender { record in
            if record.eventID == "1" { while store.openBatchCount < 2 { await Task.yield() } }
            return nil
        }
        for number in 1...11 { try await publish("\(number)") }
        try await relaying(sender, batch: 4) { await emptyOutbox() }
        #expect(sender.records.map(\.eventID) == (1...11).map { EventID("\($0)") })
        #expect(sender.records.map { EventStamp($0.headers)?.index } == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2])
    }

    @Test("what was claimed behind a batch waits for what that one has left", arguments: [true, false])
    func givesBack(isRetriable: Bool) async throws {
        let store = store
        let isRefused = Mutex(false)
        let sender = RecordingSender { record in
            if record.eventID == "1" { while store.openBatchCount < 2 { await Task.yield() } }
            let isFirst =
                record.eventID == "2"
                && isRefused.withLock { refused in
                    defer { refused = true }
                    return !refused
                }
            return isFirst ? SendFailure(message: "no", isRetriable: isRetriable, mayBeOut: false) : nil
        }
        for number in 1...8 { try await publish("\(number)", key: number % 4 == 2 ? "refused" : "free") }
        try await relaying(sender, batch: 4) { await emptyOutbox() }
        let sent = sender.records.map(\.eventID)
        #expect(sent.filter { $0 != "2" && $0 != "6" } == ["1", "3", "4", "5", "7", "8"])
        #expect(sent.filter { $0 == "2" || $0 == "6" } == (isRetriable ? ["2", "6"] : []))
        #expect(store.parkedEvents.map(\.record.eventID) == (isRetriable ? [] : ["2", "6"]))
    }

    @Test("what was claimed behind a batch does not go when Kafka has held that one up for longer than the lease lasts")
    func looksAtTheLease() async throws {
        let time = Atomic(Int64(0))
        let now: @Sendable () -> Duration = { .seconds(time.load(ordering: .relaxed)) }
        let store = InMemoryStore(now: now)
        let sender = RecordingSender { record in
            if record.eventID == "1" {
                while store.openBatchCount < 2 { await Task.yield() }
                for _ in 0..<1000 { await Task.yield() }
                time.store(60, ordering: .relaxed)
            }
            return nil
        }
        for number in 1...8 { try await publish("\(number)", in: store) }
        var configuration = OutboxRelayConfiguration()
        configuration.maximumBatchCount = 4
        let relay = OutboxRelay(
            store: store, sending: StampedSending(sender: sender, maximumRecordBytes: 1000, patience: .none),
            configuration: configuration, clock: ManualClock(), elapsed: now, logger: .silent)
        let relaying = Task { try await relay.run() }
        _ = await sender.records(atLeast: 8)
        relaying.cancel()
        _ = await relaying.result
        #expect(sender.records.map(\.eventID) == (1...8).map { EventID("\($0)") })
        // The second batch was given back, and came again under a number of its own.
        let batches = sender.records.compactMap { EventStamp($0.headers)?.batch }
        #expect(batches[4] == batches[0] + 2)
    }

    @Test("what another process appended is found by the slow poll")
    func polls() async throws {
        let (sender, clock, store) = (RecordingSender(), ManualClock(), InMemoryStore(raisesSignal: false))
        try await relaying(sender, store: store, clock: clock) {
            // The lease's renewal, the watch and the poll.
            await clock.sleepers(atLeast: 3)
            try await publish("1", in: store)
            clock.advance(by: .seconds(1))
            _ = await sender.records(atLeast: 1)
        }
        #expect(sender.records.map(\.eventID) == ["1"])
    }

    @Test("while Kafka is away events wait, and go in order when it is back")
    func kafkaAway() async throws {
        let attempts = Mutex(0)
        let sender = RecordingSender { _ in
            let isAway = attempts.withLock { attempts in
                attempts += 1
                return attempts < 5
            }
            if isAway { throw SendFailure(message: "away", isRetriable: true) }
            return nil
        }
        for number in 1...5 { try await publish("\(number)", key: "k\(number % 2)") }
        try await relaying(sender) {
            await emptyOutbox()
        }
        #expect(sender.records.map(\.eventID) == ["1", "2", "3", "4", "5"])
    }

    @Test("an event that can never go is parked with its key and the rest flows")
    func parks() async throws {
        let sender = RecordingSender { record in
            record.eventID == "bad" ? SendFailure(message: "invalid record", isRetriable: false) : nil
        }
        try await publish("bad", key: "a")
        try await publish("good", key: "b")
        try await relaying(sender) {
            await emptyOutbox()
            try await publish("behind", key: "a")
            try await publish("more", key: "b")
            await emptyOutbox()
        }
        #expect(sender.records.map(\.eventID) == ["good", "more"])
        #expect(store.parkedEvents.map(\.record.eventID) == ["bad", "behind"])
        #expect(store.parkedEvents.first?.reason == "invalid record")
    }

    @Test("while the database is away the relay waits and marks what it had sent")
    func databaseAway() async throws {
        let store = store
        let sender = RecordingSender { _ in
            store.isAvailable = false
            return nil
        }
        try await publish("1")
        try await relaying(sender) {
            _ = await sender.records(atLeast: 1)
            store.isAvailable = true
            await emptyOutbox()
        }
        #expect(sender.records.map(\.eventID) == ["1"])
    }

    @Test("of two relays one works, and the other takes over when it goes")
    func takesOver() async throws {
        let (first, second) = (RecordingSender(), RecordingSender())
        try await relaying(first, name: "a") {
            try await publish("1")
            await emptyOutbox()
            try await relaying(second, name: "b") {
                try await publish("2")
                await emptyOutbox()
            }
        }
        #expect(first.records.map(\.eventID) == ["1", "2"])
        #expect(second.records.isEmpty)
        try await relaying(second, name: "a") {
            try await publish("3")
            await emptyOutbox()
        }
        #expect(second.records.map(\.eventID) == ["3"])
    }

    @Test("a relay whose namesake has taken over marks nothing and stops")
    func fenced() async throws {
        let store = store
        let sender = RecordingSender { _ in
            _ = try await store.transaction { transaction in
                try store.lease(
                    LeaseRequest(name: "outbox/relay/relay", owner: "relay", duration: .seconds(60)), in: transaction)
            }
            return nil
        }
        try await publish("1")
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = "relay"
        let relay = OutboxRelay(store: store, producer: sender, configuration: configuration, logger: .silent)
        let error = await #expect(throws: TidingsError.self) { try await relay.run() }
        #expect(error?.code == .fenced)
        #expect(store.outbox.count == 1)
    }

    @Test("at shutdown the batch in hand is finished")
    func finishesAtShutdown() async throws {
        let trigger = Trigger()
        let sender = RecordingSender { _ in
            await trigger.fire()
            return nil
        }
        for number in 1...3 { try await publish("\(number)") }
        try await shutdown(trigger, sender)
        #expect(sender.records.count == 3)
        #expect(store.outbox.isEmpty)
    }

    @Test("while Kafka is away shutdown does not wait for it for ever, and the events stay")
    func shutsDownWithoutKafka() async throws {
        let trigger = Trigger()
        let sender = RecordingSender { _ in
            await trigger.fire()
            try await Task.sleep(for: .seconds(1000))
            return nil
        }
        try await publish("1")
        try await shutdown(trigger, sender)
        #expect(store.outbox.count == 1)
        // The lease was given back: the next relay starts at once.
        try await relaying(RecordingSender(), name: "other") { await emptyOutbox() }
    }

    /// Runs a relay in a service group that is shut down when the trigger is fired.
    private func shutdown(_ trigger: Trigger, _ sender: RecordingSender) async throws {
        var configuration = OutboxRelayConfiguration()
        configuration.shutdownGrace = .milliseconds(100)
        let relay = OutboxRelay(store: store, producer: sender, configuration: configuration, logger: .silent)
        let group = ServiceGroup(services: [relay], logger: .silent)
        trigger.action.withLock { $0 = { await group.triggerGracefulShutdown() } }
        try await group.run()
    }

    @Test("a relay that died between sending and marking sends the batch again in the same order")
    func diedBeforeMarking() async throws {
        for number in 1...5 { try await publish("\(number)") }
        let sender = RecordingSender()
        let claimed = try await store.transaction { [store] transaction in
            try store.assign([0], to: "dead", in: transaction)
            let batches = [OutboxBatch(shard: 0, number: 1 << 32)]
            return try store.claim(
                ClaimRequest(batches: batches, maximumCount: 5, maximumBytes: 1000), in: transaction)
        }
        _ = try await sender.send(claimed.map(\.stampedRecord))
        for number in 6...7 { try await publish("\(number)") }
        try await relaying(sender) { await emptyOutbox() }
        let records = sender.records
        #expect(records.map(\.eventID) == ["1", "2", "3", "4", "5", "1", "2", "3", "4", "5", "6", "7"])
        let stamps = try records.map { try #require(EventStamp($0.headers)) }
        #expect(stamps[0..<5] == stamps[5..<10])
        #expect(stamps[5...].sorted() == Array(stamps[5...]) && stamps[10].batch > stamps[9].batch)
    }
}

/// Something that is done from inside a sender.
private final class Trigger: Sendable {
    let action = Mutex<(@Sendable () async -> Void)?>(nil)

    func fire() async { await action.withLock { $0 }?() }
}

extension Logger {
    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
