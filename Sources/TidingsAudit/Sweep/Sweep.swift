import Foundation
import Synchronization
import Tidings

/// Kills publisher, relay, handler, broker and database at every step and at random moments, and judges what is left.
///
/// ```swift
/// let sweep = Sweep(program: ["/usr/bin/tidings", "subject"], folder: folder, databases: [.sqlite])
/// let report = try await sweep.run(.everything(on: sweep.databases))
/// print(report)       // a table; report.failures is empty when the outbox has kept its promise
/// ```
///
/// Each trial has a topic and databases of its own. Its history is read from what lasts, written to a file in
/// ``folder``, and judged from that file by ``Checker``. The processes are those of ``program``, so that what is proven
/// is what is installed.
public struct Sweep: Sendable {
    /// The program that plays every part, and the arguments before the part's name.
    public var program: [String]
    /// Where histories and logs go; it must exist.
    public var folder: String
    /// What trials may name.
    public var databases: [SweepDatabase]
    /// A Kafka from outside; nil runs brokers of its own, and only then can they be killed.
    public var kafka: String?
    /// So many trials go on at the same time.
    public var width = 3

    /// A sweep whose parts are played by this program.
    public init(program: [String], folder: String, databases: [SweepDatabase], kafka: String? = nil) {
        self.program = program
        self.folder = folder
        self.databases = databases
        self.kafka = kafka
    }

    /// Carries the trials out.
    ///
    /// - Parameter progress: hears how many are done.
    /// - Throws: ``SweepError`` when there is no broker or a file cannot be written; `CancellationError`.
    public func run(
        _ plan: SweepPlan, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws -> SweepReport {
        let name = "sweep-\(EventID().rawValue.prefix(13))"
        let files = FileManager.default
        let histories = "\(folder)/histories"
        try files.createDirectory(atPath: histories, withIntermediateDirectories: true)
        let shared = kafka == nil ? try await startBroker(in: "\(folder)/shared") : nil
        let address = kafka ?? shared?.address ?? ""
        do {
            let done = Counter()
            // What harms a server that others use goes alone, at the end.
            let (alone, together) = plan.trials.partitioned { $0.fault.harmsServer }
            try await inParallel(together) { trial in
                try await carryOut(trial, name, address).write(into: histories)
                progress(done.next(), plan.trials.count)
            }
            for trial in alone {
                try await carryOut(trial, name, address).write(into: histories)
                progress(done.next(), plan.trials.count)
            }
        } catch {
            await shared?.kill()
            throw error
        }
        await shared?.stop()
        return try SweepReport(folder: histories, trials: plan.trials)
    }

    private func carryOut(_ trial: Trial, _ name: String, _ address: String) async throws -> TrialHistory {
        guard let database = databases.first(where: { $0.name == trial.database }) else {
            throw SweepError("no \(trial.database) was named")
        }
        let folder = "\(folder)/\(trial.name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let broker = trial.fault.harmsBroker && kafka == nil ? try await startBroker(in: folder) : nil
        let stage = Stage(
            program: program, kafka: broker?.address ?? address, broker: broker, database: database, folder: folder,
            topic: "\(name)-\(trial.name)")
        do {
            let history = try await stage.leavingNothing { try await TrialRun(trial, on: stage).run() }
            await broker?.stop()
            return history
        } catch is CancellationError {
            await broker?.kill()
            throw CancellationError()
        } catch {
            await broker?.kill()
            return TrialHistory(trial, History(), kills: 0, obstacle: "\(error)")
        }
    }

    private func startBroker(in folder: String) async throws -> OwnBroker {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try await OwnBroker(program, folder: folder)
    }

    private func inParallel(_ trials: [Trial], _ body: @escaping @Sendable (Trial) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, trial) in trials.enumerated() {
                if index >= width { try await group.next() }
                group.addTask { try await body(trial) }
            }
            try await group.waitForAll()
        }
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

extension Array {
    fileprivate func partitioned(_ isFirst: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(isFirst), filter { !isFirst($0) })
    }
}
