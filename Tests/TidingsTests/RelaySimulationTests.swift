import Processes
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

/// Several relays over one store, one step at a time in an order that a seed decides, with a clock that a seed moves: they
/// stall for longer than their leases, die, come back, are joined by others, while events are appended. A reader that
/// remembers stamps looks at what arrives.
@Suite struct RelaySimulationTests {
    @Test("two owners never, nothing lost, nothing overtakes, and a reader handles each event once", arguments: 0..<150)
    func simulate(seed: UInt64) async throws {
        var world = try World(seed: seed)
        try await world.run(steps: 400)
    }

    @Test("the simulation claims ahead")
    func claimsAhead() async throws {
        var world = try World(seed: 1)
        try await world.run(steps: 2000)
        #expect(world.streamed > 5)
    }
}

private struct World {
    let time = Shared(Duration.zero)
    let store: InMemoryStore
    var random: SeededGenerator
    var relays: [Relay] = []
    var made = 0

    /// How often a batch was claimed while another was on its way.
    var streamed = 0
    var appended: [String: [EventID]] = [:]

    /// What Kafka has.
    var log: [EventRecord] = []

    /// A relay between two steps of its own.
    struct Relay {
        let name: String
        var held: HeldShards
        var stream: RelayStream?
        /// What was claimed behind the batch that is on its way, if that was tried; nil inside when nobody knows.
        var ahead: [OutboxEntry]??
        var settlement: OutboxSettlement?
    }

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        let time = time
        store = InMemoryStore(shards: 3, now: { time.value })
    }

    let lasting = Duration.seconds(5)

    mutating func run(steps: Int) async throws {
        for _ in 0..<steps { try await step() }
        // Everybody else is dead; one drains what is left.
        relays = []
        time.value += .seconds(60)
        try await start()
        for _ in 0..<400 where !store.outbox.isEmpty { try await move(0) }
        #expect(store.outbox.isEmpty)
        judge()
    }

    mutating func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0 where relays.count < 4: try await start()
        case 1 where !relays.isEmpty: relays.remove(at: Int.random(in: 0..<relays.count, using: &random))
        case 2: time.value += .milliseconds(Int.random(in: 0..<8000, using: &random))
        case 3...6: try await append()
        default:
            time.value += .milliseconds(Int.random(in: 0..<200, using: &random))
            if !relays.isEmpty { try await move(Int.random(in: 0..<relays.count, using: &random)) }
        }
    }

    mutating func start() async throws {
        // Now and then under the name of one that died.
        let name = "relay-\(Int.random(in: 0..<5, using: &random))"
        if relays.contains(where: { $0.name == name }) { return }
        let relay = relay(name)
        if let held = try await relay.join() { relays.append(Relay(name: name, held: held)) }
    }

    mutating func append() async throws {
        made += 1
        let key = "k\(Int.random(in: 0..<6, using: &random))"
        let id = EventID("\(made)")
        appended[key, default: []].append(id)
        let (record, store) = (
            EventRecord(eventID: id, topic: "t", key: Array(key.utf8), headers: [], value: nil), store
        )
        try await store.transaction { try store.append(record, in: $0) }
    }

    /// A step of one relay's: balance, claim, claim ahead, send a part, settle; it may stall or die between any two.
    mutating func move(_ index: Int) async throws {
        var current = relays[index]
        let relay = relay(current.name)
        do {
            if let stream = current.stream {
                if current.ahead == nil, stream.isFull(within: relay.configuration), !current.held.mayHaveOpenBatches,
                    Bool.random(using: &random)
                {
                    try await claimAhead(relay, &current, stream)
                } else if current.held.maySend(at: time.value) {
                    send(&current, stream)
                } else {
                    current.stream = nil
                    current.ahead = nil
                    current.held.mayHaveOpenBatches = true
                }
            } else if current.settlement == nil, Int.random(in: 0..<4, using: &random) == 0 {
                _ = try await relay.balance(&current.held)
            } else {
                let settlement = current.settlement
                current.settlement = nil
                let claimed = try await relay.turn(settlement, claiming: true, with: &current.held)
                if !claimed.isEmpty { current.stream = RelayStream(claimed) }
            }
            relays[index] = current
        } catch is LeaseLost {
            relays.remove(at: index)
        }
    }

    mutating func claimAhead(
        _ relay: OutboxRelay<InMemoryStore>, _ current: inout Relay, _ stream: RelayStream
    ) async throws {
        // Now and then the database does not answer, and has done it, or has not.
        let (answers, commits) = (Int.random(in: 0..<6, using: &random) > 0, Bool.random(using: &random))
        var ahead: [OutboxEntry]?
        if answers || commits {
            ahead = try await relay.claimAhead(
                behind: stream.claimed, settling: stream.unmarked?.settlement, with: &current.held)
        }
        if !answers { current.held.mayHaveOpenBatches = true }
        current.ahead = .some(answers ? ahead : nil)
        streamed += 1
    }

    mutating func send(_ current: inout Relay, _ stream: RelayStream) {
        let others = relays.filter { $0.name != current.name && $0.held.maySend(at: time.value) }
        for entry in stream.claimed {
            let shard = entry.stamp.source.shard
            #expect(!others.contains { $0.held.numbers.contains(shard) }, "two owners of shard \(shard)")
        }
        // Kafka refuses some key for now, or breaks off: of what comes then, some may be out.
        let batch = RelayBatch(claimed: stream.claimed, maximumRecordBytes: 1000)
        let refused = Int.random(in: 0..<5, using: &random) == 0 ? "k\(Int.random(in: 0..<6, using: &random))" : nil
        let (known, out) = breakingOff(batch.sending.count)
        var outcomes: [SendOutcome] = []
        for (place, entry) in batch.sending.enumerated() {
            if refused.map({ Array($0.utf8) }) == entry.record.key {
                outcomes.append(.failed(SendFailure(message: "not now", isRetriable: true, mayBeOut: false)))
                continue
            }
            if place < out { log.append(entry.stampedRecord) }
            outcomes.append(
                place < known
                    ? .sent(partition: 0, offset: 0) : .failed(SendFailure(message: "gone", isRetriable: true)))
        }
        let result = batch.settle(outcomes)
        var stream = stream
        let rest =
            if let ahead = current.ahead {
                stream.finish(
                    result, behind: ahead, maySend: current.held.maySend(at: time.value) && Bool.random(using: &random))
            } else { stream.end(result) }
        current.ahead = nil
        current.stream = rest == nil ? stream : nil
        guard let rest else { return }
        // Dead before it could write that down, as often as not.
        if Int.random(in: 0..<10, using: &random) > 0 {
            current.settlement = rest.settlement
        } else {
            current.held.mayHaveOpenBatches = true
        }
    }

    /// How many of so many are known to be out, and how many are.
    private mutating func breakingOff(_ count: Int) -> (known: Int, out: Int) {
        if Int.random(in: 0..<5, using: &random) > 0 { return (count, count) }
        let known = Int.random(in: 0...count, using: &random)
        return (known, Int.random(in: known...count, using: &random))
    }

    func judge() {
        var memories: [StampSource: StampMemory] = [:]
        var handled: [String: [EventID]] = [:]
        for record in log {
            guard let stamp = EventStamp(record.headers) else {
                Issue.record("\(record.eventID) has no stamp")
                continue
            }
            if memories[stamp.source, default: StampMemory()].insert(stamp) {
                handled[String(decoding: record.key ?? [], as: UTF8.self), default: []].append(record.eventID)
            }
        }
        #expect(handled == appended)
    }

    private func relay(_ name: String) -> OutboxRelay<InMemoryStore> {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = name
        configuration.leaseDuration = lasting
        configuration.maximumBatchCount = 7
        let time = time
        return OutboxRelay(
            store: store, sending: StampedSending(sender: RecordingSender(), maximumRecordBytes: 1000, patience: .none),
            configuration: configuration, clock: ManualClock(), elapsed: { time.value }, logger: .silent)
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
