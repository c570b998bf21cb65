import Processes
import Synchronization
import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

/// Relays of both sources with batches so small that they always claim ahead, while Kafka refuses keys for a while, breaks
/// off, and relays die, as a seed decides.
@Suite("A relay in bad weather", .timeLimit(.minutes(Programs.proves ? 30 : 2)))
struct RelayWeatherTests {
    static let seeds: UInt64 = Programs.proves ? 50 : 1

    @Test("the table's events each come once for readers who know stamps, and each key in order", arguments: 1...seeds)
    func table(seed: UInt64) async throws {
        try await withPostgresDatabase { url in
            try await weather(seed) { try await PostgresStore(PostgresConfiguration(url), logger: quiet) }
        }
    }

    @Test("the log's events each come once for readers who know stamps, and each key in order", arguments: 1...seeds)
    func log(seed: UInt64) async throws {
        try await withLogStore { store in try await weather(seed) { try await store.again() } }
    }

    private func weather(_ seed: UInt64, open: @Sendable () async throws -> PostgresStore) async throws {
        let kafka = UnreliableKafka(seed: seed)
        let count = 300
        for life in 0... {
            if kafka.handled.count >= count { break }
            kafka.begin(isCalm: life > 8)
            let store = try await open()
            defer { store.close() }
            let (appended, appends) = (min(life, 6) * count / 6, min(life + 1, 6) * count / 6)
            for first in stride(from: appended, to: appends, by: 10) {
                try await store.transaction { db in
                    for number in first..<first + 10 {
                        try store.append(record("\(number)", key: "k\(number % 5)"), in: db)
                    }
                }
            }
            let relay = store.relay(to: kafka) { configuration in
                configuration.maximumBatchCount = 4
                configuration.leaseDuration = .seconds(1)
            }
            let relaying = Task { try await relay.run() }
            await kafka.isOver(with: appends)
            relaying.cancel()
            _ = await relaying.result
        }
        for key in 0..<5 {
            let own = kafka.handled.filter { $0.key == Array("k\(key)".utf8) }.map(\.eventID.rawValue)
            #expect(own == stride(from: key, to: count, by: 5).map { "\($0)" })
        }
    }
}

/// Takes records as Kafka does, with an idempotent producer: in order, up to where it breaks off.
private final class UnreliableKafka: RecordSender {
    struct State {
        var random: SeededGenerator
        var left = 0
        var isCalm = false
        var memories: [StampSource: StampMemory] = [:]
        var handled: [EventRecord] = []
        var waiter: (count: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state: Mutex<State>

    init(seed: UInt64) {
        state = Mutex(State(random: SeededGenerator(seed: seed)))
    }

    /// What readers who know stamps have handled.
    var handled: [EventRecord] { state.withLock { $0.handled } }

    /// A new relay lives for some batches; in calm weather until all is done.
    func begin(isCalm: Bool) {
        state.withLock { state in
            state.isCalm = isCalm
            state.left = 3 + Int.random(in: 0..<20, using: &state.random)
        }
    }

    /// Waits for the end of the relay's life, or of the work.
    func isOver(with count: Int) async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.left > 0, state.handled.count < count {
                    state.waiter = (count, continuation)
                    return false
                }
                return true
            }
            if isOver { continuation.resume() }
        }
    }

    func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        let (outcomes, waiter) = state.withLock { state -> ([SendOutcome]?, CheckedContinuation<Void, Never>?) in
            let outcomes = state.take(records)
            var waiter: CheckedContinuation<Void, Never>?
            if let waiting = state.waiter, state.left <= 0 || state.handled.count >= waiting.count {
                waiter = waiting.continuation
                state.waiter = nil
            }
            return (outcomes, waiter)
        }
        waiter?.resume()
        guard let outcomes else {
            // The relay dies before it hears of it.
            await PostgresStore.untilCancelled()
            throw CancellationError()
        }
        return outcomes
    }
}

extension UnreliableKafka.State {
    /// What has become of the records; nil when nobody will hear of it.
    fileprivate mutating func take(_ records: [EventRecord]) -> [SendOutcome]? {
        if !isCalm { left -= 1 }
        let isBad = !isCalm && Int.random(in: 0..<3, using: &random) == 0
        let refused =
            isBad && Bool.random(using: &random) ? Array("k\(Int.random(in: 0..<5, using: &random))".utf8) : nil
        let known = isBad && refused == nil ? Int.random(in: 0...records.count, using: &random) : records.count
        let out = Int.random(in: known...records.count, using: &random)
        var outcomes: [SendOutcome] = []
        for (place, record) in records.enumerated() {
            if let refused, record.key == refused {
                outcomes.append(.failed(SendFailure(message: "not now", isRetriable: true, mayBeOut: false)))
                continue
            }
            if place < out, let stamp = EventStamp(record.headers),
                memories[stamp.source, default: StampMemory()].insert(stamp)
            {
                handled.append(record)
            }
            outcomes.append(
                place < known
                    ? .sent(partition: 0, offset: 0) : .failed(SendFailure(message: "broke off", isRetriable: true)))
        }
        return left > 0 || isCalm ? outcomes : nil
    }
}
