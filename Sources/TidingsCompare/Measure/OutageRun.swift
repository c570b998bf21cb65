import Foundation
import KafkaClient
import Logging
import Tidings
import TidingsAudit

/// Takes Kafka away from all ways of sending at once, and counts what becomes of their actions.
struct OutageRun: Sendable {
    var workload: Workload
    var program: [String]
    var database: SweepDatabase
    /// A Kafka from outside, which only the services under test are cut off from; nil kills a broker of our own.
    var kafka: String?
    /// For the broker, the services and their histories; it must exist.
    var folder: String

    /// Actions in a second: few enough that three services on one machine do not feel each other.
    static let rate = 50
    /// So long Kafka is there, before and after.
    private static let calm = Duration.seconds(3)
    private static let partitions: Int32 = 2

    private let logger = Logger(label: "outage") { _ in SwiftLogNoOpLogHandler() }

    init(workload: Workload, program: [String], database: SweepDatabase, kafka: String?, folder: String) {
        self.workload = workload
        self.program = program
        self.database = database
        self.kafka = kafka
        self.folder = folder
    }

    /// Carries it out.
    func run(_ ways: [Way]) async throws -> Comparison.Outage {
        if let kafka { return outage(ways, try await rows(of: ways, at: kafka)) }
        let broker = try await OwnBroker(program, folder: folder)
        do {
            let rows = try await rows(of: ways, at: broker.address, broker) {
                // These waits are the outage itself.
                try await Task.sleep(for: Self.calm)
                await broker.kill()
                try await Task.sleep(for: .seconds(workload.outage))
                try await broker.restart()
            }
            await broker.stop()
            return outage(ways, rows)
        } catch {
            await broker.kill()
            throw error
        }
    }

    private func rows(
        of ways: [Way], at kafka: String, _ broker: OwnBroker? = nil,
        while body: @Sendable () async throws -> Void = {}
    ) async throws -> [Comparison.Outage.Row] {
        try await withThrowingTaskGroup(of: Comparison.Outage.Row.self) { group in
            for way in ways { group.addTask { try await row(way, at: kafka, broker) } }
            try await body()
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func outage(_ ways: [Way], _ rows: [Comparison.Outage.Row]) -> Comparison.Outage {
        Comparison.Outage(
            seconds: workload.outage, patience: workload.patience, rate: Self.rate, killsBroker: kafka == nil,
            rows: ways.compactMap { way in rows.first { $0.way == way } })
    }

    private func row(_ way: Way, at kafka: String, _ broker: OwnBroker?) async throws -> Comparison.Outage.Row {
        let folder = "\(folder)/\(way.rawValue)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let stage = Stage(
            program: program, kafka: kafka, broker: broker, database: database, folder: folder,
            topic: "outage-\(way.rawValue)-\(EventID().rawValue.prefix(13))")
        return try await stage.leavingNothing {
            try await Arrivals.during(stage, partitions: Self.partitions) { try await row(way, on: stage, $0) }
        }
    }

    private func row(_ way: Way, on stage: Stage, _ arrivals: Arrivals) async throws -> Comparison.Outage.Row {
        let duration = workload.outage + 2 * (Self.calm / .seconds(1))
        try await stage.ask(
            ["load"] + stage.common + [
                "--way", way.rawValue, "--output", "\(stage.folder)/times", "--rate", "\(Self.rate)",
                "--duration", "\(Int(duration * 1000))", "--saturation", "0",
                "--event-size", "\(workload.eventSize)", "--keys", "\(workload.keys)",
                "--patience", "\(Int(workload.patience * 1000))",
            ] + (kafka == nil ? [] : cut), of: "writer")
        let history = History(
            try await stage.facts("action", of: "writer")
                + TopicReader(stage.topic, kafka: SubjectKafka.at(stage.kafka), logger: logger).events())
        let trial = Trial(way, on: database.name, .kafkaAway)
        let file = try TrialHistory(trial, history, kills: 1).write(into: stage.folder)
        // All that is in the topic; the consumer may be a moment behind.
        await arrivals.wait(for: Set(history.facts.compactMap(\.visibleEvent)).count)
        try Task.checkCancellation()
        return Self.row(
            way, try LoadTimes(file: "\(stage.folder)/times"), arrivals.times, Checker().check(history), file: file)
    }

    /// Has a service cut itself off from Kafka.
    private var cut: [String] {
        [
            "--away-after", "\(Int(Self.calm / .milliseconds(1)))", "--away-for", "\(Int(workload.outage * 1000))",
        ]
    }

    /// Sets what callers were told, and what the consumer saw, against what the checker says of the history.
    static func row(
        _ way: Way, _ times: LoadTimes, _ seen: [Int64], _ verdict: Verdict, file: String
    ) -> Comparison.Outage.Row {
        let called = times.times.filter { $0.called > 0 }
        let arrivals = zip(times.times, seen).filter { $0.called > 0 && $1 > 0 }.map { $1 - $0.called }
        return Comparison.Outage.Row(
            way: way, actions: called.count, refused: called.count { $0.outcome == .failed && $0.committed == 0 },
            delayed: called.count { $0.outcome == .done && $0.returned - $0.called > 1_000_000_000 },
            lost: verdict.events(.lost).count, ghost: verdict.events(.ghost).count,
            longest: Double(called.map { $0.returned - $0.called }.max() ?? 0) / 1e6,
            latest: arrivals.max().map { Double($0) / 1e6 }, file: file)
    }
}

extension Fact {
    /// The event that a consumer can read.
    fileprivate var visibleEvent: EventID? {
        if case .eventVisible(let event, _, _, _) = self { event } else { nil }
    }
}
