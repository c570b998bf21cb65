import Foundation
import Tidings
import TidingsAudit

/// Measures the ways of sending side by side; what `tidings compare` does.
///
/// ```swift
/// let comparer = Comparer(program: ["/usr/bin/tidings", "subject"], folder: folder)
/// let comparison = try await comparer.run { progress in print(progress.doing) }
/// print(TextReport(comparison).text)
/// ```
public struct Comparer: Sendable {
    /// How far a comparison has come.
    public struct Progress: Sendable {
        /// From 0 to 1.
        public var fraction: Double
        /// What is being done.
        public var doing: String
    }

    /// What each way does.
    public var workload = Workload()
    /// The program that plays every part, and the arguments before the part's name.
    public var program: [String]
    /// Where everything goes; it must exist.
    public var folder: String
    /// The kind of database.
    public var database = SweepDatabase.sqlite
    /// A Kafka from outside; nil starts the embedded broker.
    public var kafka: String?
    /// For how long the outbox's relay gathers, in milliseconds, each once, from time-sensitive to throughput.
    public var gatherings = [0, 2, 10, 50, 200]
    /// Whether times are measured.
    public var measures = true
    /// Whether processes are killed at every step.
    public var triesFaults = false

    /// The three ways that are measured.
    static let ways = [Way.afterAction, .beforeAction, .outbox]

    /// A comparison whose parts are played by this program.
    public init(program: [String], folder: String) {
        self.program = program
        self.folder = folder
    }

    /// Carries it out.
    ///
    /// - Throws: ``CompareError``, ``/TidingsAudit/SweepError``, a Kafka or database error; `CancellationError`.
    public func run(_ progress: @escaping @Sendable (Progress) -> Void = { _ in }) async throws -> Comparison {
        let plan = Plan(self)
        let start = ContinuousClock.now
        var ways: [Comparison.Figures] = []
        var curve: [Comparison.Figures] = []
        var exactlyOnce: Comparison.Figures?
        var outage: Comparison.Outage?
        if measures {
            (ways, curve, exactlyOnce) = try await figures { done, doing in
                progress(Progress(fraction: plan.fraction(figures: done), doing: doing))
            }
            if workload.outage > 0 {
                let run = OutageRun(
                    workload: workload, program: program, database: database, kafka: kafka,
                    folder: try folder("outage"))
                outage = try await withCompanion {
                    try await run.run(Self.ways)
                } companion: {
                    let start = ContinuousClock.now
                    while true {
                        let seconds = (ContinuousClock.now - start) / .seconds(1)
                        progress(Progress(fraction: plan.fraction(outageSeconds: seconds), doing: "Kafka away"))
                        try await Task.sleep(for: .seconds(1))
                    }
                }
            }
        }
        let faults = triesFaults ? try await sweep(progress, plan) : nil
        return Comparison(
            place: .here(kafka: kafka, database: database), workload: workload, ways: ways, curve: curve,
            exactlyOnce: exactlyOnce, outage: outage, faults: faults, took: (.now - start) / .seconds(1))
    }

    private func sweep(
        _ progress: @escaping @Sendable (Progress) -> Void, _ plan: Plan
    ) async throws -> SweepReport {
        let sweep = Sweep(program: program, folder: try folder("faults"), databases: [database], kafka: kafka)
        return try await sweep.run(.everything(on: [database], harmsKafka: kafka == nil)) { done, all in
            let fraction = plan.fraction(faults: Double(done) / Double(all))
            progress(Progress(fraction: fraction, doing: "faults, \(done) of \(all) trials"))
        }
    }

    // MARK: Figures

    /// How many runs the figures take: each way's, the curve's, and the one that publishes exactly once.
    fileprivate var runCount: Int { Self.ways.count * workload.repeats + gatherings.count + 1 }

    private func figures(
        _ progress: (Double, String) -> Void
    ) async throws -> (ways: [Comparison.Figures], curve: [Comparison.Figures], exactlyOnce: Comparison.Figures?) {
        let broker = kafka == nil ? try await OwnBroker(program, folder: folder("broker")) : nil
        let address = kafka ?? broker?.address ?? ""
        do {
            var runs: [Way: [LoadRun.Result]] = [:]
            var done = 0
            // In turn, so that what changes on the machine meanwhile meets all.
            for turn in 1...max(1, workload.repeats) {
                for way in Self.ways {
                    progress(Double(done) / Double(runCount), "\(way), run \(turn) of \(workload.repeats)")
                    runs[way, default: []].append(
                        try await run(way, .zero, workload, "\(way.rawValue)-\(turn)", address))
                    done += 1
                }
            }
            var curve: [Comparison.Figures] = []
            for gathering in gatherings {
                progress(Double(done) / Double(runCount), "outbox, gathering for \(gathering) ms")
                let result = try await run(
                    .outbox, .milliseconds(gathering), workload, "gathering-\(gathering)", address)
                curve.append(Comparison.Figures(.outbox, gathering: Double(gathering), [result]))
                done += 1
            }
            progress(Double(done) / Double(runCount), "outbox, exactly once")
            let exactlyOnce = try await exactlyOnce(address)
            await broker?.stop()
            return (Self.ways.map { Comparison.Figures($0, gathering: nil, runs[$0] ?? []) }, curve, exactlyOnce)
        } catch {
            await broker?.kill()
            throw error
        }
    }

    /// One run of the outbox with transactions; nil where a Kafka from outside lets nobody have any, or not in good time.
    private func exactlyOnce(_ kafka: String) async throws -> Comparison.Figures? {
        let patience = Duration.seconds(3 * (workload.duration + workload.saturation) + 20)
        let result = try await withThrowingTaskGroup(of: LoadRun.Result?.self) { group in
            group.addTask {
                do {
                    return try await run(.outboxExactlyOnce, .zero, workload, "exactly-once", kafka)
                } catch  where self.kafka != nil && !Task.isCancelled {
                    return nil
                }
            }
            group.addTask {
                try await Task.sleep(for: patience)
                guard self.kafka != nil else {
                    throw CompareError("publishing exactly once takes longer than \(patience)")
                }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        return result.map { Comparison.Figures(.outboxExactlyOnce, gathering: nil, [$0]) }
    }

    private func run(
        _ way: Way, _ gathering: Duration, _ workload: Workload, _ name: String, _ kafka: String
    ) async throws -> LoadRun.Result {
        let stage = Stage(
            program: program, kafka: kafka, database: database, folder: try folder("runs/\(name)"),
            topic: "compare-\(name)-\(EventID().rawValue.prefix(13))")
        return try await stage.leavingNothing {
            try await LoadRun(way: way, gathering: gathering, workload: workload, stage: stage).run()
        }
    }

    private func folder(_ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}

/// How the time is likely to divide.
private struct Plan: Sendable {
    var figures: Double
    var outage: Double
    var faults: Double

    init(_ comparer: Comparer) {
        let load = comparer.workload
        figures = comparer.measures ? Double(comparer.runCount) * (load.duration + load.saturation + 1.5) : 0
        outage = comparer.measures && load.outage > 0 ? load.outage + 8 : 0
        faults = comparer.triesFaults ? 90 : 0
    }

    private var all: Double { max(1, figures + outage + faults) }

    func fraction(figures done: Double) -> Double { figures * done / all }

    func fraction(outageSeconds: Double) -> Double { (figures + min(outage, outageSeconds)) / all }

    func fraction(faults done: Double) -> Double { (figures + outage + faults * done) / all }
}

extension Comparison.Figures {
    init(_ way: Way, gathering: Double?, _ runs: [LoadRun.Result]) {
        self.way = way
        self.gathering = gathering
        action = Latencies(runs.map(\.action))
        visible = Latencies(runs.map(\.visible))
        let gaps = runs.flatMap(\.afterCommit)
        comesBeforeCommit = gaps.count { $0 < 0 } > gaps.count / 2
        let sign: Int64 = comesBeforeCommit ? -1 : 1
        afterCommit = Latencies(runs.map { $0.afterCommit.map { $0 * sign } })
        let throughputs = runs.compactMap(\.throughput)
        throughput = throughputs.isEmpty ? nil : Spread(throughputs)
        cpu = Spread(runs.map(\.cpu))
        memory = Spread(runs.map { Double($0.memory) / 1e6 })
        failures = runs.reduce(0) { $0 + $1.failures }
    }
}

extension Comparison.Place {
    /// This machine, now.
    static func here(kafka: String?, database: SweepDatabase) -> Comparison.Place {
        let machine = ProcessInfo.processInfo
        let memory = Int((Double(machine.physicalMemory) / 1e9).rounded())
        #if DEBUG
            let isRelease = false
        #else
            let isRelease = true
        #endif
        return Comparison.Place(
            time: Timestamp.now().rfc3339,
            machine:
                "\(machine.activeProcessorCount) processors, \(memory) GB, \(machine.operatingSystemVersionString)",
            kafka: kafka.map { "Kafka at \($0)" } ?? "the embedded broker, started for this; durable acknowledgements",
            database: database.name, isRelease: isRelease)
    }
}
