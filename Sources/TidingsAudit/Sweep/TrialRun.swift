import Foundation
import KafkaClient
import Logging
import Synchronization
import Tidings

/// Carries one trial out: the processes, the fault, and what is known in the end.
struct TrialRun: Sendable {
    static let reader = "reader"

    let trial: Trial
    let stage: Stage
    private let publisher: Role
    private let relay: Role
    private let handler: Role
    private let logger = Logger(label: "sweep") { _ in SwiftLogNoOpLogHandler() }

    init(_ trial: Trial, on stage: Stage) {
        self.trial = trial
        self.stage = stage
        let (common, writer, reader) = (stage.common, stage.database(of: "writer"), stage.database(of: "reader"))
        let parts: [Role.Name: [String]] = [
            .publisher: ["publish"] + writer + common + ["--way", trial.way.rawValue] + Self.pace(of: trial.fault),
            .relay: ["relay"] + writer + common + ["--way", trial.way.rawValue],
            .handler: ["handle"] + reader + common,
        ]
        func role(_ name: Role.Name) -> Role {
            Role(
                name, stage.program + (parts[name] ?? []),
                killAt: trial.fault.struckRole == name ? trial.fault.killAt : nil,
                log: "\(stage.folder)/\(name.rawValue).log")
        }
        (publisher, relay, handler) = (role(.publisher), role(.relay), role(.handler))
    }

    /// Faults that last need a publisher that is still at work when they come and when they go.
    private static func pace(of fault: Fault) -> [String] {
        switch fault {
        case .nothing, .kill: []
        case .actionFails: ["--fail-every", "6"]
        case .databaseAway, .databaseKilled, .brokerKilled: ["--pace", "20"]
        case .kafkaAway: ["--pace", "20", "--delivery-timeout", "1000"]
        case .randomKills: ["--pace", "10"]
        }
    }

    /// How many actions there are.
    private var count: Int {
        switch trial.fault {
        case .nothing, .kill, .actionFails: 24
        case .databaseAway, .databaseKilled, .brokerKilled, .kafkaAway: 60
        case .randomKills: 100
        }
    }

    /// Carries it out.
    ///
    /// - Throws: what kept anything at all from being known; `CancellationError`.
    func run() async throws -> TrialHistory {
        let acknowledged = Mutex<[Fact]>([])
        var obstacle: String?
        do {
            try await withDeadline(.seconds(90), "the trial takes too long") {
                try await perform { fact in acknowledged.withLock { $0.append(fact) } }
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            obstacle = "\(error)"
        }
        if obstacle == nil, trial.fault.killAt != nil, kills == 0 { obstacle = "the step was never reached" }
        let history = History(
            try await facts("action", of: "writer") + acknowledged.withLock { $0 }
                + TopicReader(stage.topic, kafka: SubjectKafka.at(stage.kafka), logger: logger).events()
                + facts("effect", of: "reader"))
        return TrialHistory(trial, history, kills: kills, obstacle: obstacle)
    }

    private func admin() throws -> Admin { try Admin(SubjectKafka.at(stage.kafka), logger: logger) }

    private var kills: Int {
        let server = trial.fault.harmsBroker || trial.fault.harmsServer ? 1 : 0
        return publisher.kills + relay.kills + handler.kills + server
    }

    private func perform(_ note: @escaping @Sendable (Fact) -> Void) async throws {
        try await admin().createTopics([TopicSpecification(stage.topic, partitions: 2)])
        try await withThrowingTaskGroup(of: Void.self) { processes in
            defer { processes.cancelAll() }
            if trial.way.usesRelay { processes.addTask { try await relay.keepRunning() } }
            processes.addTask { try await handler.keepRunning() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await publish(note) }
                group.addTask { try await inflict() }
                try await group.waitForAll()
            }
            try await settle()
            relay.stop()
            handler.stop()
            try await processes.waitForAll()
        }
    }

    /// Waits until everything has come through that is going to.
    private func settle() async throws {
        if relay.name == trial.fault.struckRole { try await waitForKill(of: relay) }
        if trial.way.usesRelay { try await ask(["await-outbox"], of: "writer") }
        if handler.name == trial.fault.struckRole { try await waitForKill(of: handler) }
        let visible = try await TopicReader(stage.topic, kafka: SubjectKafka.at(stage.kafka), logger: logger).events()
        let events = Set(
            visible.compactMap { fact -> EventID? in
                if case .eventVisible(let event, _, _, _) = fact { event } else { nil }
            })
        try await ask(["await-effects", "--count", "\(events.count)"], of: "reader")
    }

    private func waitForKill(of role: Role) async throws {
        try await withDeadline(.seconds(20), "the step was never reached") { try await role.wasKilled() }
    }

    // MARK: Publishing

    /// Publishes until all is published, whoever dies meanwhile. A publisher that comes back does not try again what it
    /// was at when it died: nobody has told it whether that has happened.
    private func publish(_ note: @Sendable (Fact) -> Void) async throws {
        var next = 0
        while next < count, let process = try publisher.start(["--first", "\(next)", "--count", "\(count - next)"]) {
            let status = await publisher.end(of: process)
            try Task.checkCancellation()
            for line in process.lines {
                let words = line.split(separator: " ")
                guard words.count >= 2, let number = Int(words[1]) else { continue }
                if words[0] == "starting" { next = number + 1 }
                if words[0] == "published", words.count == 3 {
                    note(.actionAcknowledged(event: EventID("e\(number)"), key: String(words[2])))
                }
            }
            if status == 0 { break }
        }
    }

    // MARK: The fault

    private func inflict() async throws {
        switch trial.fault {
        case .nothing, .kill, .actionFails: return
        case .randomKills(let seed): return try await killAtRandom(seed)
        case .databaseAway, .databaseKilled, .brokerKilled, .kafkaAway: break
        }
        try await publisher.says("published 10 ")
        switch trial.fault {
        case .databaseAway: try await ask(["hold", "--milliseconds", "1500"], of: "writer")
        case .databaseKilled: try await stage.database.restart?()
        case .brokerKilled:
            await stage.broker?.kill()
            try await stage.broker?.restart()
        default:
            await stage.broker?.kill()
            // That long it is away.
            try await Task.sleep(for: .seconds(3))
            try await stage.broker?.restart()
        }
    }

    private func killAtRandom(_ seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let roles = trial.way.usesRelay ? [publisher, relay, handler] : [publisher, handler]
        for _ in 0..<8 {
            // The moment is the point, not a wait for something.
            try await Task.sleep(for: .milliseconds(Int.random(in: 40...400, using: &random)))
            roles.randomElement(using: &random)?.kill()
        }
    }

    // MARK: Asking the databases

    @discardableResult
    private func ask(_ arguments: [String], of part: String) async throws -> [String] {
        try await stage.ask(arguments, of: part)
    }

    private func facts(_ table: String, of part: String) async throws -> [Fact] {
        try await stage.facts(table, of: part)
    }
}

/// A small seeded generator (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Runs `body`, or throws what is said when it takes longer than `limit`.
package func withDeadline<R: Sendable>(
    _ limit: Duration, _ words: String, _ body: @escaping @Sendable () async throws -> R
) async throws -> R {
    try await withCompanion(body) {
        try await Task.sleep(for: limit)
        throw SweepError("\(words) (\(limit))")
    }
}

/// Runs `body`, and `companion` beside it for as long as that takes.
///
/// - Throws: what either throws; `CancellationError` when the companion ends first.
package func withCompanion<R: Sendable>(
    _ body: @escaping @Sendable () async throws -> R, companion: @escaping @Sendable () async throws -> Void
) async throws -> R {
    try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await companion()
            return nil
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() ?? nil else { throw CancellationError() }
        return result
    }
}
