import ArgumentParser
import CReference
import Foundation

/// How costs grow with partitions, with connections, and with the length of a log.
struct BrokerGrowth {
    let tidings: String
    let samples: Int
    let gigabytes: Int
    let plots: String?

    private static let starts = 5

    func run() async throws {
        try await partitions()
        try await connections()
        try await length()
    }

    // MARK: Partitions

    private func partitions() async throws {
        var table = GrowthTable(
            "partitions", ["ready after, ms", "memory, MB", "one record, median µs", "ms to write 1 MB"])
        for count in [1, 10, 100, 1000, 10_000] {
            try await withDirectory { directory in
                let first = try ServerProcess.broker(tidings, directory: directory)
                try await makeTopic("grow", first.address, partitions: Int32(count))
                first.end()
                let ready = try readyAfter(directory, endedBy: SIGTERM)
                let broker = try ServerProcess.broker(tidings, directory: directory)
                defer { broker.end() }
                let one = Spread(
                    try Wire.produce(broker.address, "grow", partitions: count, samples: samples / 3).micros)
                let memory = broker.residentMegabytes
                let records = 2_000_000
                let seconds = try CLoop.produce(broker.address, "grow", records, size: 100)
                table.add(
                    Double(count),
                    [ready, memory, one.median, seconds * 1e7 / Double(records)])
            }
        }
        try table.finish(plots)
    }

    /// Milliseconds until a broker that was ended by the signal is ready again, the median of some starts.
    private func readyAfter(_ directory: String, endedBy signal: Int32) throws -> Double {
        // The first comes after a clean stop in either case.
        let milliseconds = try (0...Self.starts).map { _ in
            let broker = try ServerProcess.broker(tidings, directory: directory)
            if signal == SIGKILL {
                // Only what was written to since the last start is looked through.
                _ = try Wire.produce(broker.address, "grow", partitions: 1, samples: 1)
            }
            broker.end(by: signal)
            return broker.readyAfter.seconds * 1000
        }
        return Spread(Array(milliseconds.dropFirst())).median
    }

    // MARK: Connections

    private func connections() async throws {
        var table = GrowthTable("connections", ["ms for 1000 records", "median µs", "p99 µs", "memory, MB"])
        for count in [1, 10, 100, 1000] {
            try await withKafka { broker in
                try await makeTopic("grow", broker.address, partitions: 5)
                let total = max(samples, count * 30)
                _ = try Wire.produce(
                    broker.address, "grow", partitions: 5, connections: count, samples: total / 3)
                let run = try Wire.produce(
                    broker.address, "grow", partitions: 5, connections: count, samples: total)
                let spread = Spread(run.micros)
                table.add(
                    Double(count),
                    [
                        run.seconds / Double(total) * 1e6, spread.median, spread.quantile(0.99),
                        broker.residentMegabytes,
                    ])
            }
        }
        try table.finish(plots)
    }

    private func withKafka(_ body: (ServerProcess) async throws -> Void) async throws {
        try await withDirectory { directory in
            let broker = try ServerProcess.broker(tidings, directory: directory)
            defer { broker.end() }
            try await body(broker)
        }
    }

    // MARK: The length of a log

    private func length() async throws {
        var table = GrowthTable(
            "GB in one log",
            [
                "ready after, ms", "after a kill, ms", "memory, MB", "one record, median µs", "ms to write 1 MB",
                "ms to read 1 MB",
            ])
        try await withDirectory { directory in
            var written = 0
            for length in [1, 2, 5, 10, 20, 50].filter({ $0 <= gigabytes }) {
                let writer = try ServerProcess.broker(tidings, directory: directory)
                if written == 0 { try await makeTopic("grow", writer.address, partitions: 1) }
                let records = (length - written) * 1_000_000
                let writing = try CLoop.produce(writer.address, "grow", records, size: 1000)
                written = length
                writer.end()
                let clean = try readyAfter(directory, endedBy: SIGTERM)
                let killed = try readyAfter(directory, endedBy: SIGKILL)
                let broker = try ServerProcess.broker(tidings, directory: directory)
                defer { broker.end() }
                let one = Spread(
                    try Wire.produce(broker.address, "grow", partitions: 1, samples: samples / 3).micros)
                let reading = try Wire.fetch(broker.address, "grow", partitions: 1, records: length * 1_000_000)
                table.add(
                    Double(length),
                    [
                        clean, killed, broker.residentMegabytes, one.median,
                        writing * 1e6 / Double(records), reading / Double(length),
                    ])
            }
        }
        try table.finish(plots)
    }
}

/// Costs over what grows: printed as a table row by row, and drawn as multiples of the first row.
struct GrowthTable {
    private let what: String
    private let costs: [String]
    private var rows: [(Double, [Double])] = []

    init(_ what: String, _ costs: [String]) {
        self.what = what
        self.costs = costs
        print("\n| \(what) | \(costs.joined(separator: " | ")) |")
        print("|--:|" + costs.map { _ in "--:|" }.joined())
    }

    mutating func add(_ size: Double, _ values: [Double]) {
        rows.append((size, values))
        print("| \(Int(size)) | " + values.map(Self.text).joined(separator: " | ") + " |")
        fflush(nil)
    }

    /// Draws the rows into a folder.
    func finish(_ folder: String?) throws {
        guard let folder, let first = rows.first?.1 else { return }
        let lines = costs.enumerated().map { index, name in
            LinePlot.Line(
                name: String(name.prefix { $0 != "," }), points: rows.map { ($0.0, $0.1[index] / first[index]) })
        }
        let plot = LinePlot(title: "Costs over \(what), as multiples of the first", lines: lines, scale: .logarithmic)
        let word = what.split(separator: " ").last.map(String.init) ?? what
        try plot.svg.write(toFile: "\(folder)/growth-\(word).svg", atomically: true, encoding: .utf8)
    }

    private static func text(_ value: Double) -> String {
        String(format: value < 10 ? "%.1f" : "%.0f", value)
    }
}
