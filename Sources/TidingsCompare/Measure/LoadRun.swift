import Foundation
import KafkaClient
import Logging
import Tidings
import TidingsAudit

/// One run of a way at the workload: a service as a process of its own, and a consumer here.
struct LoadRun: Sendable {
    var way: Way
    var gathering: Duration = .zero
    var workload: Workload
    /// Its own place.
    var stage: Stage

    /// What a run has shown.
    struct Result: Sendable {
        /// Nanoseconds from the call until it returned.
        var action: [Int64] = []
        /// Nanoseconds from the call until the consumer had the event.
        var visible: [Int64] = []
        /// Nanoseconds from the commit until the consumer had the event; negative when it had it before.
        var afterCommit: [Int64] = []
        /// Events that the consumer had each second, when actions went on as fast as they could.
        var throughput: Double?
        /// Processor time for one event, in microseconds.
        var cpu = 0.0
        /// Memory at its highest, in bytes.
        var memory = 0
        /// Actions that failed.
        var failures = 0
    }

    private static let partitions: Int32 = 4

    /// Carries it out.
    ///
    /// - Throws: ``/TidingsAudit/SweepError`` when the service ends without an answer; `CancellationError`.
    func run() async throws -> Result {
        let patience = Duration.seconds(3 * (workload.duration + workload.saturation) + 60)
        return try await withDeadline(patience, "it takes too long; see \(log)") { try await measure() }
    }

    private func measure() async throws -> Result {
        try await Arrivals.during(stage, partitions: Self.partitions) { arrivals in
            let service = try SubjectProcess(arguments, log: log)
            let status = await service.end()
            try Task.checkCancellation()
            guard status == 0, let line = service.lines.last(where: { $0.hasPrefix("summary ") }) else {
                throw CompareError("the service under test failed (\(status))\(lastWords); see \(log)")
            }
            let summary = try JSONDecoder().decode(LoadSummary.self, from: Data(line.dropFirst(8).utf8))
            let times = try LoadTimes(file: output)
            // Everything was acknowledged; the consumer may be a moment behind.
            await arrivals.wait(for: times.times.count { $0.outcome == .done })
            try Task.checkCancellation()
            return Self.result(times, arrivals.times, summary)
        }
    }

    private var log: String { "\(stage.folder)/service.log" }

    /// What the service has said at last.
    private var lastWords: String {
        let lines = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n")
        return lines?.last.map { ": \($0)" } ?? ""
    }

    private var output: String { "\(stage.folder)/times" }

    private var arguments: [String] {
        stage.program + ["load"] + stage.database(of: "writer") + stage.common
            + [
                "--way", way.rawValue, "--output", output,
                "--rate", "\(workload.rate)", "--duration", "\(Int(workload.duration * 1000))",
                "--saturation", "\(Int(workload.saturation * 1000))", "--callers", "\(workload.callers)",
                "--event-size", "\(workload.eventSize)", "--keys", "\(workload.keys)",
                "--gathering", "\(Int(gathering / .milliseconds(1)))",
            ]
    }

    /// Sets what the service wrote down against what the consumer saw.
    static func result(_ times: LoadTimes, _ seen: [Int64], _ summary: LoadSummary) -> Result {
        var result = Result()
        var (first, last, count) = (Int64.max, Int64.min, 0)
        for (number, each) in times.times.enumerated() where each.called > 0 {
            guard each.outcome == .done else {
                result.failures += 1
                continue
            }
            let arrival = number < seen.count ? seen[number] : 0
            if number >= summary.saturationStart {
                first = min(first, each.called)
                last = max(last, arrival)
                count += arrival > 0 ? 1 : 0
            } else {
                result.action.append(each.returned - each.called)
                if arrival > 0 {
                    result.visible.append(arrival - each.called)
                    result.afterCommit.append(arrival - each.committed)
                }
            }
        }
        if count > 0, last > first { result.throughput = Double(count) / (Double(last - first) / 1e9) }
        result.cpu = summary.rated > 0 ? summary.cpuMicroseconds / Double(summary.rated) : 0
        result.memory = summary.memory
        return result
    }
}

/// Why a comparison could not be carried out.
public struct CompareError: Error, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
