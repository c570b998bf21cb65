import Processes
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Several relays that publish exactly once, over one store and a Kafka in memory. A seed decides who does what next, also
/// while another is in the middle of a transaction: relays stall for longer than their leases, are fenced, die before
/// and after the commit, and Kafka refuses records or keeps its answer to itself.
@Suite struct ExactlyOnceSimulationTests {
    @Test("a reader of committed records sees each event once, and each key in order", arguments: 0..<150)
    func simulate(seed: UInt64) async throws {
        try await World(seed: seed).run(steps: 300)
    }

    @Test("a batch that the database has settled in commits it has lost is not sent again")
    func restored() async throws {
        let (entries, kafka) = (Self.batch(outbox: "old"), ScriptedKafka(last: 9))
        let sending = ExactlyOnceSending(kafka, maximumRecordBytes: 1000, patience: .none, probe: nil)
        let result = try await sending.send(
            sending.prepare(entries), by: SendRight(outbox: "new", epochs: [0: 1]) { true })
        #expect(result.settlement.sent == entries && result.obstacle == nil)
        #expect(kafka.commits.value == 0)
    }

    @Test("an outbox that gives numbers for the second time sends nothing and says what to do")
    func restoredUnderItsOwnName() async throws {
        let (entries, kafka) = (Self.batch(outbox: "old"), ScriptedKafka(last: 9))
        let sending = ExactlyOnceSending(kafka, maximumRecordBytes: 1000, patience: .none, probe: nil)
        let result = try await sending.send(
            sending.prepare(entries), by: SendRight(outbox: "old", epochs: [0: 1]) { true })
        #expect(result.settlement.kept == entries && result.settlement.sent.isEmpty)
        #expect(result.obstacle?.message.contains("renewOutbox") == true)
    }

    @Test("whoever may have lost the shard while it opened its way into Kafka sends nothing")
    func tooLate() async throws {
        let (entries, kafka) = (Self.batch(outbox: "one"), ScriptedKafka(last: nil))
        let sending = ExactlyOnceSending(kafka, maximumRecordBytes: 1000, patience: .none, probe: nil)
        let result = try await sending.send(
            sending.prepare(entries), by: SendRight(outbox: "one", epochs: [0: 1]) { false })
        #expect(result.settlement.kept == entries && result.obstacle == nil)
        #expect(kafka.commits.value == 0)
    }

    private static func batch(outbox: String) -> [OutboxEntry] {
        (Int32(0)..<3).map { index in
            var entry = OutboxEntry(
                sequence: Int64(index),
                stamp: EventStamp(source: StampSource(outbox: outbox, shard: 0), batch: 7, index: index),
                record: EventRecord(eventID: EventID("\(index)"), topic: "t", key: nil, headers: [], value: nil),
                appendedAt: .now(), isBehindParked: false)
            entry.isRepeated = true
            return entry
        }
    }
}

/// A Kafka that says which batch was the last and commits all others.
private struct ScriptedKafka: BatchTransactions, BatchChannel {
    let last: Int64?
    let commits = Shared(0)

    func open(_ source: StampSource) async throws -> any BatchChannel { self }
    func lastCommitted(to topics: Set<String>) async throws -> Int64? { last }
    func commit(
        _ records: [EventRecord], with patience: RelayPatience, as batch: Int64, committing: @Sendable () -> Void
    ) async throws -> [Int: SendFailure] {
        commits.value += 1
        return [:]
    }
}

/// All of it runs in one task, one step after the other: `@unchecked Sendable`.
private final class World: @unchecked Sendable {
    /// A relay between two steps of its own.
    private final class Relay {
        let name: String
        var held: HeldShards
        var claimed: [OutboxEntry] = []
        var settlement: OutboxSettlement?
        var isBusy = false
        let sending: ExactlyOnceSending

        init(name: String, held: HeldShards, sending: ExactlyOnceSending) {
            (self.name, self.held, self.sending) = (name, held, sending)
        }
    }

    private let time = Shared(Duration.zero)
    private let store: InMemoryStore
    private var random: SeededGenerator
    private var relays: [Relay] = []
    private var made = 0
    private var appended: [String: [EventID]] = [:]
    private let lasting = Duration.seconds(5)
    private var depth = 0
    private let kafka: SimulatedKafka

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        store = InMemoryStore(shards: 2, now: { [time] in time.value })
        kafka = SimulatedKafka(seed: ~seed)
    }

    func run(steps: Int) async throws {
        kafka.meanwhile = { [unowned self] in try await self.meanwhile() }
        for _ in 0..<steps { try await step() }
        // Everybody else is dead, and Kafka takes what it can; one relay drains what is left.
        relays = []
        (kafka.meanwhile, kafka.isWell) = ({}, true)
        time.value += .seconds(60)
        for _ in 0..<500 where !store.outbox.isEmpty {
            if relays.isEmpty { try await start() } else { try await move(relays[0]) }
        }
        #expect(store.outbox.isEmpty)
        judge()
    }

    /// What others do while a relay waits for Kafka.
    private func meanwhile() async throws {
        guard depth < 3 else { return }
        depth += 1
        defer { depth -= 1 }
        for _ in 0..<Int.random(in: 0..<4, using: &random) { try await step() }
    }

    private func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0 where relays.count < 4: try await start()
        case 1 where !relays.isEmpty: relays.remove(at: Int.random(in: 0..<relays.count, using: &random))
        case 2: time.value += .milliseconds(Int.random(in: 0..<8000, using: &random))
        case 3...6: try await append()
        default:
            time.value += .milliseconds(Int.random(in: 0..<200, using: &random))
            if let relay = relays.filter({ !$0.isBusy }).randomElement(using: &random) { try await move(relay) }
        }
    }

    private func start() async throws {
        let name = "relay-\(Int.random(in: 0..<5, using: &random))"
        if relays.contains(where: { $0.name == name }) { return }
        let sending = ExactlyOnceSending(kafka, maximumRecordBytes: 1000, patience: .none, probe: nil)
        if let held = try await relay(name, sending).join() {
            relays.append(Relay(name: name, held: held, sending: sending))
        }
    }

    private func append() async throws {
        made += 1
        let key = "k\(Int.random(in: 0..<6, using: &random))"
        let topic = "t\(made % 2)"
        let id = EventID("\(made)")
        appended[topic + key, default: []].append(id)
        let isLarge = Int.random(in: 0..<40, using: &random) == 0
        let record = EventRecord(
            eventID: id, topic: topic, key: Array(key.utf8), headers: [],
            value: [UInt8](repeating: 0, count: isLarge ? 2000 : 10))
        try await store.transaction { [store] in try store.append(record, in: $0) }
    }

    private func move(_ current: Relay) async throws {
        let relay = relay(current.name, current.sending)
        current.isBusy = true
        defer { current.isBusy = false }
        do {
            if !current.claimed.isEmpty {
                try await send(current)
            } else if current.settlement == nil, Int.random(in: 0..<4, using: &random) == 0 {
                _ = try await relay.balance(&current.held)
            } else {
                let settlement = current.settlement
                current.settlement = nil
                current.claimed = try await relay.turn(settlement, claiming: true, with: &current.held)
            }
        } catch is LeaseLost {
            relays.removeAll { $0 === current }
        }
    }

    private func send(_ current: Relay) async throws {
        let claimed = current.claimed
        current.claimed = []
        guard current.held.maySend(at: time.value) else {
            current.held.mayHaveOpenBatches = true
            return
        }
        let (held, time) = (current.held, time)
        let right = SendRight(outbox: held.outbox, epochs: held.epochs) { held.maySend(at: time.value) }
        var result = RelaySettlement(OutboxSettlement(batches: []))
        // One shard after the other, so that a seed decides.
        for shard in Set(claimed.map(\.batch.shard)).sorted() {
            let ready = current.sending.prepare(claimed.filter { $0.batch.shard == shard })
            result.add(try await current.sending.send(ready, by: right))
        }
        // Dead before it could write that down, now and then.
        if !kafka.isWell, Int.random(in: 0..<8, using: &random) == 0 {
            relays.removeAll { $0 === current }
        } else {
            current.settlement = result.settlement
        }
    }

    private func judge() {
        var seen: [String: [EventID]] = [:]
        for record in kafka.committed {
            seen[record.topic + String(decoding: record.key ?? [], as: UTF8.self), default: []].append(record.eventID)
        }
        var parked: [String: Set<EventID>] = [:]
        for record in store.parkedEvents.map(\.record) {
            parked[record.topic + String(decoding: record.key ?? [], as: UTF8.self), default: []]
                .insert(record.eventID)
        }
        for (stream, events) in appended {
            let gone = parked[stream] ?? []
            #expect(seen[stream] ?? [] == events.filter { !gone.contains($0) }, "\(stream)")
        }
    }

    private func relay(_ name: String, _ sending: ExactlyOnceSending) -> OutboxRelay<InMemoryStore> {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = name
        configuration.leaseDuration = lasting
        configuration.maximumBatchCount = 7
        let time = time
        return OutboxRelay(
            store: store, sending: sending, configuration: configuration, clock: ManualClock(),
            elapsed: { time.value }, logger: .silent)
    }
}

/// Transactions as Kafka makes them: a successor fences; what is open then is aborted.
/// All of it runs in one task, one step after the other: `@unchecked Sendable`.
private final class SimulatedKafka: BatchTransactions, @unchecked Sendable {
    var meanwhile: () async throws -> Void = {}
    var isWell = false
    private(set) var committed: [EventRecord] = []
    private var random: SeededGenerator
    private var epochs: [StampSource: Int] = [:]
    private var offsets: [StampSource: [String: Int64]] = [:]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    func open(_ source: StampSource) async throws -> any BatchChannel {
        try await mayFail()
        epochs[source, default: 0] += 1
        let channel = Channel(kafka: self, source: source, epoch: epochs[source] ?? 0)
        try await meanwhile()
        return channel
    }

    private func mayFail() async throws {
        if !isWell, Int.random(in: 0..<12, using: &random) == 0 {
            throw SendFailure(message: "Kafka is away", isRetriable: true)
        }
    }

    private struct Channel: BatchChannel {
        let kafka: SimulatedKafka
        let source: StampSource
        let epoch: Int

        func lastCommitted(to topics: Set<String>) async throws -> Int64? {
            try await kafka.mayFail()
            let last = (kafka.offsets[source] ?? [:]).filter { topics.contains($0.key) }.values.max()
            try await kafka.meanwhile()
            return last
        }

        func commit(
            _ records: [EventRecord], with patience: RelayPatience, as batch: Int64, committing: @Sendable () -> Void
        ) async throws -> [Int: SendFailure] {
            try kafka.check(self)
            let refusals = kafka.refusals(records)
            try await kafka.meanwhile()
            try kafka.check(self)
            if !refusals.isEmpty { return refusals }
            committing()
            try await kafka.mayFail()
            kafka.committed += records
            for record in records { kafka.offsets[source, default: [:]][record.topic] = batch }
            // Committed, and nobody hears of it.
            try await kafka.mayFail()
            try await kafka.meanwhile()
            return [:]
        }
    }

    private func check(_ channel: Channel) throws {
        guard epochs[channel.source] == channel.epoch else {
            throw SendFailure(message: "fenced", isRetriable: true)
        }
    }

    private func refusals(_ records: [EventRecord]) -> [Int: SendFailure] {
        guard !isWell, Int.random(in: 0..<8, using: &random) == 0 else { return [:] }
        let place = Int.random(in: 0..<records.count, using: &random)
        let isForGood = Int.random(in: 0..<4, using: &random) == 0
        return [place: SendFailure(message: "refused", isRetriable: !isForGood, mayBeOut: false)]
    }
}

/// A value that closures share.
private final class Shared<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) {
        state = Mutex(value)
    }

    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
