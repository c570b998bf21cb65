import Foundation
import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization
import Tidings
import TidingsAudit

extension Subject {
    /// A service that acts at a rate, and then as fast as it can, with its relay in the same process.
    static func load(_ options: SubjectOptions, _ store: some TrialStore) async throws {
        let way = try options.way()
        var kafka = SubjectKafka.at(try options.required("kafka"))
        let gate = NetworkGate()
        if options["away-for"] != nil { kafka.gate = gate }
        let log = LoadLog()
        var configuration = ProducerConfiguration(kafka)
        configuration.deliveryTimeout = try options.milliseconds("patience") ?? .seconds(20)
        configuration.linger = .zero
        let producer = way.usesRelay ? nil : try Producer(configuration, logger: logger)
        let load = Load(
            publisher: Publisher(store: store, producer: producer, source: "/tidings/load", probe: log),
            topic: Topic(try options.required("topic")), way: way,
            padding: String(repeating: "x", count: max(0, (try options.number("event-size") ?? 500) - 40)),
            keys: try options.number("keys") ?? 100, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            if way.usesRelay {
                var relaying = OutboxRelayConfiguration()
                relaying.gathering = try options.milliseconds("gathering") ?? .zero
                let relay = try OutboxRelay(
                    store: store, kafka: kafka, publishing: way.publishing, configuration: relaying, logger: logger)
                group.addTask { try await relay.run() }
            }
            defer { group.cancelAll() }
            try await load.warmUp()
            if let time = try options.milliseconds("away-for") {
                let wait = try options.milliseconds("away-after") ?? .zero
                group.addTask {
                    // These waits are the outage itself.
                    try await Task.sleep(for: wait)
                    gate.close()
                    try await Task.sleep(for: time)
                    gate.open()
                }
            }
            let before = Usage.now()
            let rated = try await load.act(
                at: options.number("rate") ?? 500, for: options.milliseconds("duration") ?? .seconds(4))
            // What is still to be sent of these belongs to their cost.
            if way.usesRelay { try await awaitSent(store) }
            let after = Usage.now()
            let start = log.count
            if let time = try options.milliseconds("saturation"), time > .zero {
                await load.actAsFastAsPossible(for: time, callers: try options.number("callers") ?? 32)
            }
            if way.usesRelay { try await awaitSent(store) }
            try log.times.write(to: options.required("output"))
            let summary = LoadSummary(
                saturationStart: start, cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds, rated: rated,
                memory: after.memory)
            say("summary " + String(decoding: try JSONEncoder().encode(summary), as: UTF8.self))
        }
    }

    /// Waits until the outbox is empty.
    ///
    /// - Throws: ``SubjectError`` when that is because an event cannot be sent.
    private static func awaitSent<S: TrialStore>(_ store: S) async throws {
        try await look(store) { db in try store.outboxIsEmpty(in: db) }
        let parked = try await store.transaction { try store.parkedEvents(.causes(after: 0, limit: 1), in: $0) }
        if let event = parked.first { throw SubjectError("an event cannot be sent: \(event.reason)") }
    }
}

/// Calls for actions, and keeps when they were called, committed and done.
private struct Load<S: TrialStore>: Sendable {
    let publisher: Publisher<S>
    let topic: Topic<Carried>
    let way: Way
    let padding: String
    let keys: Int
    let log: LoadLog

    /// Connections, caches and the first batch are made; these actions are not judged.
    func warmUp() async throws {
        for _ in 0..<20 { await act() }
        log.forget()
    }

    /// Calls at even distances, whoever still waits for an answer: a slow answer does not make room for itself.
    ///
    /// - Returns: how many were called.
    func act(at rate: Int, for time: Duration) async throws -> Int {
        let clock = ContinuousClock()
        let start = clock.now
        let count = Int(Double(rate) * (time / .seconds(1)))
        try await withThrowingDiscardingTaskGroup { group in
            for number in 0..<count {
                let due = start + .seconds(1) * number / rate
                if clock.now < due { try await clock.sleep(until: due, tolerance: .zero) }
                group.addTask { await act() }
            }
        }
        return count
    }

    func actAsFastAsPossible(for time: Duration, callers: Int) async {
        let clock = ContinuousClock()
        let end = clock.now + time
        await withDiscardingTaskGroup { group in
            for _ in 0..<callers {
                group.addTask { while clock.now < end { await act() } }
            }
        }
    }

    private func act() async {
        let number = log.call()
        let event = Carried(number: number, key: "k\(number % keys)", padding: padding)
        let id = EventID("e\(number)")
        let store = publisher.store
        do {
            try await publisher.publish(event, id: id, to: topic, sending: way.sending) { db in
                try store.note(.action, id, event.key, in: db)
            }
            log.returned(number, .done)
        } catch {
            log.returned(number, .failed)
        }
    }
}

/// What a load's events carry.
private struct Carried: Event {
    static let eventType = "tidings.load.happened"
    var number: Int
    var key: String
    var padding: String
}

/// Keeps the times of all actions; as a probe it hears of the commits.
final class LoadLog: Probe {
    private let state = Mutex(LoadTimes())

    /// How many actions have been called for.
    var count: Int { state.withLock { $0.times.count } }

    /// The times of all; those that do not count were never called for.
    var times: LoadTimes { state.withLock { $0 } }

    /// - Returns: the action's number.
    func call() -> Int {
        state.withLock { state in
            let times = LoadTimes.Times(called: monotonicNanoseconds(), committed: 0, returned: 0, outcome: .open)
            state.times.append(times)
            return state.times.count - 1
        }
    }

    func returned(_ number: Int, _ outcome: LoadTimes.Outcome) {
        let now = monotonicNanoseconds()
        state.withLock {
            $0.times[number].returned = now
            $0.times[number].outcome = outcome
        }
    }

    /// What there is so far does not count.
    func forget() {
        state.withLock { state in
            for index in state.times.indices { state.times[index].called = 0 }
        }
    }

    func reached(_ step: Step) {
        guard step.point == .actionCommitted, let number = step.events.first.flatMap(Self.number) else { return }
        let now = monotonicNanoseconds()
        state.withLock { $0.times[number].committed = now }
    }

    /// The number in an event's name.
    static func number(_ event: EventID) -> Int? { Int(event.rawValue.dropFirst()) }
}
