import ArgumentParser
import Foundation

/// The broker beside what it is made of: the disk it writes to, the loopback, a broker that keeps nothing.
struct BrokerCommand: AsyncParsableCommand {
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case produce, latency, connections, consume, idle, recovery, compaction, growth
    }

    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Measure the broker beside the bare disk, the loopback and librdkafka's mock.")

    @Argument(
        help: "What to measure: \(Part.allCases.map(\.rawValue).joined(separator: ", ")); without any, all but growth.")
    var parts = Part.allCases.filter { $0 != .growth }
    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Records of 100 bytes per run.") var records = 3_000_000
    @Option(help: "Records per latency run, and syncs of the bare disk.") var samples = 3000
    @Option(help: "How often each is run.") var repeats = 5
    @Option(help: "The longest log of growth, in GB.") var gigabytes = 20
    @Option(help: "The folder for the plots of growth.") var plots: String?

    func run() async throws {
        let load = (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))?.prefix { $0 != " " } ?? "?"
        print("The machine's load before: \(load). Every acknowledgement (acks=all) comes after the bytes are on disk.")
        for part in parts {
            print("\n\(part.rawValue)")
            switch part {
            case .produce: try await BrokerProduce(tidings: tidings, records: records, repeats: repeats).run()
            case .latency: try await BrokerLatency(tidings: tidings, samples: samples, repeats: repeats).run()
            case .connections: try await BrokerConnections(tidings: tidings, samples: samples, repeats: repeats).run()
            case .consume: try await BrokerConsume(tidings: tidings, records: records, repeats: repeats).run()
            case .idle: try await BrokerIdle(tidings: tidings, repeats: repeats).run()
            case .recovery: try await BrokerRecovery(tidings: tidings, repeats: repeats).run()
            case .compaction: try await BrokerCompaction(records: records / 2, repeats: repeats).run()
            case .growth:
                try await BrokerGrowth(tidings: tidings, samples: samples, gigabytes: gigabytes, plots: plots).run()
            }
            fflush(nil)
        }
    }
}

/// Prints a line of a report: what, and its figures.
func report(_ what: String, _ figures: String) {
    print("  \(what.padded(44))  \(figures)")
}

extension Spread {
    /// Median and p99 of microseconds.
    var latency: String { "median \(Int(median)) µs, p99 \(Int(quantile(0.99))) µs" }
}
