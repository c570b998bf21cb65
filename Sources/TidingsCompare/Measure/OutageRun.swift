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
    /// For the broker, the services and their histories; it must exist.
    var folder: String

    /// Actions in a second: few enough that three services on one machine do not feel each other.
    static let rate = 50
    /// So long Kafka is there, before and after.
    private static let calm = Duration.seconds(3)

    private let logger = Logger(label: "outage") { _ in SwiftLogNoOpLogHandler() }

    init(workload: Workload, program: [String], database: SweepDatabase, folder: String) {
        self.workload = workload
        self.program = program
        self.database = database
        self.folder = folder
    }

    /// Carries it out.
    func run(_ ways: [Way]) async throws -> Comparison.Outage {
        let broker = try await OwnBroker(program, folder: folder)
        do {
            let rows = try await withThrowingTaskGroup(of: Comparison.Outage.Row.self) { group in
                for way in ways { group.addTask { try await row(way, broker) } }
                // These waits are the outage itself.
                try await Task.sleep(for: Self.calm)
                await broker.kill()
                try await Task.sleep(for: .seconds(workload.outage))
                try await broker.restart()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            await broker.stop()
            return Comparison.Outage(
                seconds: workload.outage, patience: workload.patience, rate: Self.rate,
                rows: ways.compactMap { way in rows.first { $0.way == way } })
        } catch {
            await broker.kill()
            throw error
        }
    }

    private func row(_ way: Way, _ broker: OwnBroker) async throws -> Comparison.Outage.Row {
        let folder = "\(folder)/\(way.rawValue)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let stage = Stage(
            program: program, kafka: broker.address, broker: broker, database: database, folder: folder,
            topic: "outage-\(way.rawValue)-\(EventID().rawValue.prefix(13))")
        return try await stage.leavingNothing { try await row(way, on: stage) }
    }

    private func row(_ way: Way, on stage: Stage) async throws -> Comparison.Outage.Row {
        let admin = try Admin(SubjectKafka.at(stage.kafka), logger: logger)
        try await admin.createTopics([TopicSpecification(stage.topic, partitions: 2)])
        let duration = workload.outage + 2 * (Self.calm / .seconds(1))
        try await stage.ask(
            ["load"] + stage.common + [
                "--way", way.rawValue, "--output", "\(stage.folder)/times", "--rate", "\(Self.rate)",
                "--duration", "\(Int(duration * 1000))", "--saturation", "0",
                "--event-size", "\(workload.eventSize)", "--keys", "\(workload.keys)",
                "--patience", "\(Int(workload.patience * 1000))",
            ], of: "writer")
        let history = History(
            try await stage.facts("action", of: "writer")
                + TopicReader(stage.topic, kafka: SubjectKafka.at(stage.kafka), logger: logger).events())
        let trial = Trial(way, on: database.name, .kafkaAway)
        let file = try TrialHistory(trial, history, kills: 1).write(into: stage.folder)
        return Self.row(way, try LoadTimes(file: "\(stage.folder)/times"), Checker().check(history), file: file)
    }

    /// Sets what callers were told against what the checker says of the history.
    static func row(_ way: Way, _ times: LoadTimes, _ verdict: Verdict, file: String) -> Comparison.Outage.Row {
        let called = times.times.filter { $0.called > 0 }
        return Comparison.Outage.Row(
            way: way, actions: called.count, refused: called.count { $0.outcome == .failed && $0.committed == 0 },
            delayed: called.count { $0.outcome == .done && $0.returned - $0.called > 1_000_000_000 },
            lost: verdict.events(.lost).count, ghost: verdict.events(.ghost).count,
            longest: Double(called.map { $0.returned - $0.called }.max() ?? 0) / 1e6, file: file)
    }
}
